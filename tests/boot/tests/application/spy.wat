;; Sends where no path leads, says a line that is not its own, and traps.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "listener")
  (data (i32.const 16) "refused\nzrms: forged\rzrms: forged")
  (func (export "on_init")
    (if (i32.lt_s (call $emit (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 8)) (i32.const 0))
      (then (drop (call $log (i32.const 16) (i32.const 33)))))
    unreachable)
  (func (export "on_process"))
  (func (export "on_close")))
