;; Reads values without being granted to.
(module
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "on_init") (drop (call $get (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))))
  (func (export "on_process"))
  (func (export "on_close")))
