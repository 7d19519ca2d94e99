;; Takes memory until it is refused, and says so.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "no more memory")
  (func (export "on_init")
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    (drop (call $log (i32.const 0) (i32.const 14))))
  (func (export "on_process"))
  (func (export "on_close")))
