;; Sends a message, and ends.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "words")
  (data (i32.const 16) "sending")
  (func (export "on_init")
    (drop (call $log (i32.const 16) (i32.const 7)))
    (call $exit (i32.add (i32.const 1) (call $emit (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 5)))))
  (func (export "on_process"))
  (func (export "on_close")))
