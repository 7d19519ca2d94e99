;; Calls a function as if it were of another type.
(module
  (type $number (func (param i64) (result i64)))
  (table 1 funcref)
  (elem (i32.const 0) $plain)
  (memory (export "memory") 1)
  (func $plain)
  (func (export "on_init") (drop (call_indirect (type $number) (i64.const 7) (i32.const 0))))
  (func (export "on_process"))
  (func (export "on_close")))
