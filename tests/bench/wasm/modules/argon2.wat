;; Argon2id of a password, 2 passes over 1 MiB, as often as asked.
(module
  (import "lib" "c" (memory $memory 256))
  (import "lib" "d" (func $initialize))
  (import "lib" "f" (func $allocate (param i32) (result i32)))
  (import "lib" "l"
    (func $hash
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (data $inputs "password\00somesalt\00")
  (global $inputs (mut i32) (i32.const 0))
  (global $output (mut i32) (i32.const 0))
  (global $encoded (mut i32) (i32.const 0))

  (func $prepare
    (if (global.get $inputs) (then (return)))
    (call $initialize)
    (global.set $inputs (call $allocate (i32.const 18)))
    (memory.init $inputs (global.get $inputs) (i32.const 0) (i32.const 18))
    (global.set $output (call $allocate (i32.const 32)))
    (global.set $encoded (call $allocate (i32.const 128))))

  (func (export "run") (param $rounds i32) (result i64)
    (local $sum i64)
    (call $prepare)
    (loop $next
      (if (call $hash
            (i32.const 2) (i32.const 1024) (i32.const 1)
            (global.get $inputs) (i32.const 8)
            (i32.add (global.get $inputs) (i32.const 9)) (i32.const 8)
            (global.get $output) (i32.const 32)
            (global.get $encoded) (i32.const 127)
            (i32.const 2)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0x13))
        (then (unreachable)))
      (local.set $sum
        (i64.add (i64.mul (local.get $sum) (i64.const 31)) (i64.load (global.get $output))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $next (local.get $rounds)))
    (local.get $sum)))
