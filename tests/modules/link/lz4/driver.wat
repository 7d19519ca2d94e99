;; Packs 64 KiB of text, unpacks them, and compares.
(module
  (import "lib" "memory" (memory 17))
  (import "lib" "__wbindgen_malloc" (func $allocate (param i32) (result i32)))
  (import "lib" "__wbindgen_add_to_stack_pointer" (func $stack (param i32) (result i32)))
  (import "lib" "compress" (func $compress (param i32 i32 i32)))
  (import "lib" "decompress" (func $decompress (param i32 i32 i32)))
  (import "print" "lend" (func $lend (param i32)))
  (import "print" "text" (func $text (param i32 i32)))
  (import "print" "number" (func $number (param i32)))
  (import "print" "line" (func $line))
  (export "memory" (memory 0))

  (data $sentence "The quick brown fox jumps over the lazy dog, and the dog does not mind. ")
  (data $words " bytes packed to  and unpacked to : the sameanother text")

  ;; 64 KiB of the sentence; the first letter of each is another one.
  (func $fill (param $input i32)
    (local $at i32)
    (loop $next
      (memory.init $sentence (i32.add (local.get $input) (local.get $at)) (i32.const 0) (i32.const 72))
      (i32.store8
        (i32.add (local.get $input) (local.get $at))
        (i32.add (i32.const 65) (i32.rem_u (local.get $at) (i32.const 26))))
      (local.set $at (i32.add (local.get $at) (i32.const 72)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 65536)))))

  (func $same (param $one i32) (param $other i32) (param $bytes i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $bytes)) (then (return (i32.const 1))))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
      (br_if $next
        (i32.eq
          (i32.load8_u (i32.add (local.get $one) (local.get $bytes)))
          (i32.load8_u (i32.add (local.get $other) (local.get $bytes))))))
    (i32.const 0))

  (func (export "_start")
    (local $words i32) (local $input i32) (local $given i32) (local $results i32)
    (local $packed i32) (local $packed_bytes i32) (local $output i32) (local $output_bytes i32)
    (call $lend (call $allocate (i32.const 256)))
    (local.set $words (call $allocate (i32.const 56)))
    (memory.init $words (local.get $words) (i32.const 0) (i32.const 56))
    (local.set $input (call $allocate (i32.const 65608)))
    (call $fill (local.get $input))
    ;; The codec frees what it is given.
    (local.set $given (call $allocate (i32.const 65536)))
    (memory.copy (local.get $given) (local.get $input) (i32.const 65536))
    (local.set $results (call $stack (i32.const -16)))

    (call $compress (local.get $results) (local.get $given) (i32.const 65536))
    (local.set $packed (i32.load (local.get $results)))
    (local.set $packed_bytes (i32.load offset=4 (local.get $results)))
    (call $number (i32.const 65536))
    (call $text (local.get $words) (i32.const 17))
    (call $number (local.get $packed_bytes))

    (call $decompress (local.get $results) (local.get $packed) (local.get $packed_bytes))
    (local.set $output (i32.load (local.get $results)))
    (local.set $output_bytes (i32.load offset=4 (local.get $results)))
    (call $text (i32.add (local.get $words) (i32.const 17)) (i32.const 17))
    (call $number (local.get $output_bytes))
    (if (i32.and
          (i32.eq (local.get $output_bytes) (i32.const 65536))
          (call $same (local.get $input) (local.get $output) (i32.const 65536)))
      (then (call $text (i32.add (local.get $words) (i32.const 34)) (i32.const 10)))
      (else (call $text (i32.add (local.get $words) (i32.const 44)) (i32.const 12))))
    (call $line)))
