;; Hands out addresses that are not its own, and says what it is told.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "address refusedaddress taken")
  (func (export "on_init")
    (if (i32.lt_s (call $log (i32.const -16) (i32.const 64)) (i32.const 0))
      (then (drop (call $log (i32.const 0) (i32.const 15))))
      (else (drop (call $log (i32.const 15) (i32.const 13))))))
  (func (export "on_process"))
  (func (export "on_close")))
