;; Argon2id of a password: 2 passes over 1 MiB, 32 bytes.
(module
  (import "lib" "c" (memory $memory 256))
  (import "lib" "d" (func $initialize))
  (import "lib" "f" (func $allocate (param i32) (result i32)))
  (import "lib" "l"
    (func $hash
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "print" "lend" (func $lend (param i32)))
  (import "print" "number" (func $number (param i32)))
  (import "print" "hex" (func $hex (param i32 i32)))
  (import "print" "text_to_zero" (func $text (param i32)))
  (import "print" "line" (func $line))
  (export "memory" (memory $memory))

  (data $inputs "password\00somesalt\00")

  (func (export "_start")
    (local $inputs i32) (local $output i32) (local $encoded i32) (local $status i32)
    (call $initialize)
    (call $lend (call $allocate (i32.const 256)))
    (local.set $inputs (call $allocate (i32.const 18)))
    (memory.init $inputs (local.get $inputs) (i32.const 0) (i32.const 18))
    (local.set $output (call $allocate (i32.const 32)))
    (local.set $encoded (call $allocate (i32.const 128)))
    (local.set $status
      (call $hash
        (i32.const 2) (i32.const 1024) (i32.const 1)
        (local.get $inputs) (i32.const 8)
        (i32.add (local.get $inputs) (i32.const 9)) (i32.const 8)
        (local.get $output) (i32.const 32)
        (local.get $encoded) (i32.const 127)
        (i32.const 2)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0x13)))
    (call $number (local.get $status))
    (call $line)
    (call $hex (local.get $output) (i32.const 32))
    (call $line)
    (call $text (local.get $encoded))
    (call $line)))
