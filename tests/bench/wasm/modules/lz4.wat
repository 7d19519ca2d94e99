;; Packs 64 KiB of text and unpacks them, as often as asked.
(module
  (import "lib" "memory" (memory 17))
  (import "lib" "__wbindgen_malloc" (func $allocate (param i32) (result i32)))
  (import "lib" "__wbindgen_free" (func $free (param i32 i32)))
  (import "lib" "__wbindgen_add_to_stack_pointer" (func $stack (param i32) (result i32)))
  (import "lib" "compress" (func $compress (param i32 i32 i32)))
  (import "lib" "decompress" (func $decompress (param i32 i32 i32)))
  (global $input (mut i32) (i32.const 0))
  (global $results (mut i32) (i32.const 0))

  ;; Letters that repeat, but not always.
  (func $prepare
    (local $at i32) (local $seed i32)
    (if (global.get $input) (then (return)))
    (global.set $results (call $stack (i32.const -16)))
    (global.set $input (call $allocate (i32.const 65536)))
    (loop $next
      (local.set $seed
        (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store8
        (i32.add (global.get $input) (local.get $at))
        (i32.add
          (i32.const 97)
          (i32.and
            (select (i32.shr_u (local.get $seed) (i32.const 24)) (local.get $at)
              (i32.lt_u (local.get $seed) (i32.const 0x20000000)))
            (i32.const 15))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 65536)))))

  (func (export "run") (param $rounds i32) (result i64)
    (local $sum i64) (local $given i32) (local $output i32)
    (call $prepare)
    (loop $next
      ;; The codec frees what it is given.
      (local.set $given (call $allocate (i32.const 65536)))
      (memory.copy (local.get $given) (global.get $input) (i32.const 65536))
      (call $compress (global.get $results) (local.get $given) (i32.const 65536))
      (local.set $sum
        (i64.add
          (i64.mul (local.get $sum) (i64.const 31))
          (i64.load32_u offset=4 (global.get $results))))
      (call $decompress
        (global.get $results) (i32.load (global.get $results)) (i32.load offset=4 (global.get $results)))
      (local.set $output (i32.load (global.get $results)))
      (if (i32.ne (i32.load offset=4 (global.get $results)) (i32.const 65536)) (then (unreachable)))
      (local.set $sum (i64.add (local.get $sum) (i64.load offset=60000 (local.get $output))))
      (call $free (local.get $output) (i32.const 65536))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $next (local.get $rounds)))
    (local.get $sum)))
