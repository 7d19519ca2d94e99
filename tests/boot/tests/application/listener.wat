;; Says what it hears first, and ends.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "recv_next" (func $receive (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "listening")
  (data (i32.const 16) "heard: ")
  (func (export "on_init") (drop (call $log (i32.const 0) (i32.const 9))))
  (func (export "on_process")
    (drop (call $log (i32.const 16)
      (i32.add (i32.const 7) (call $receive (i32.const 23) (i32.const 64)))))
    (call $exit (i32.const 2)))
  (func (export "on_close")))
