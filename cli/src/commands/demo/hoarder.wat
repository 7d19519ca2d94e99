;; Stores until it is refused, and says so.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "no more room")
  (global $key (mut i32) (i32.const 0))
  (func (export "on_init")
    (loop $more
      (global.set $key (i32.add (global.get $key) (i32.const 1)))
      (i32.store (i32.const 64) (i32.or (global.get $key) (i32.const 0x20202000)))
      (i32.store8 (i32.const 64) (i32.add (i32.rem_u (global.get $key) (i32.const 26)) (i32.const 97)))
      (i32.store8 (i32.const 65) (i32.add (i32.div_u (global.get $key) (i32.const 26)) (i32.const 97)))
      (br_if $more (i32.ge_s (call $put (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 65536)) (i32.const 0))))
    (drop (call $log (i32.const 0) (i32.const 12))))
  (func (export "on_process"))
  (func (export "on_close")))
