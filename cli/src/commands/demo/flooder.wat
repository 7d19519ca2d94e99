;; Sends to itself until it is refused, and says so.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "sys" "self_emit" (func $emit (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "no more messages")
  (func (export "on_init")
    (loop $more (br_if $more (i32.ge_s (call $emit (i32.const 0) (i32.const 16)) (i32.const 0))))
    (drop (call $log (i32.const 0) (i32.const 16))))
  (func (export "on_process"))
  (func (export "on_close")))
