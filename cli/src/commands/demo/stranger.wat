;; Sends to a space to which it has no path, and says what it is told.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "net" "emit_to" (func $emit (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "witnessnobody took itit was taken")
  (func (export "on_init")
    (if (i32.lt_s (call $emit (i32.const 0) (i32.const 7) (i32.const 0) (i32.const 7)) (i32.const 0))
      (then (drop (call $log (i32.const 7) (i32.const 14))))
      (else (drop (call $log (i32.const 21) (i32.const 12))))))
  (func (export "on_process"))
  (func (export "on_close")))
