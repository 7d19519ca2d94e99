;; Calls itself without end.
(module
  (memory (export "memory") 1)
  (func $deeper (param i64 i64) (result i64)
    (i64.add (local.get 0) (call $deeper (i64.add (local.get 0) (i64.const 1)) (local.get 1))))
  (func (export "on_init") (drop (call $deeper (i64.const 0) (i64.const 0))))
  (func (export "on_process"))
  (func (export "on_close")))
