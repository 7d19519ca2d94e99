;; Says what it kept, then counts on without end, and says each number once it is stored.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "kept 000000")
  (data (i32.const 64) "number")
  (func (export "on_init") (local $at i32)
    (drop (call $get (i32.const 64) (i32.const 6) (i32.const 5) (i32.const 6)))
    (drop (call $log (i32.const 0) (i32.const 11)))
    (loop $next
      (local.set $at (i32.const 10))
      (block $done
        (loop $carry
          (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
          (br_if $done (i32.le_u (i32.load8_u (local.get $at)) (i32.const 57)))
          (i32.store8 (local.get $at) (i32.const 48))
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (br $carry)))
      (if (call $put (i32.const 64) (i32.const 6) (i32.const 5) (i32.const 6)) (then unreachable))
      (drop (call $log (i32.const 5) (i32.const 6)))
      (br $next)))
  (func (export "on_process"))
  (func (export "on_close")))
