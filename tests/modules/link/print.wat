;; Text and numbers on standard output. A line is gathered in memory that the driver lends: what `fd_write` takes and
;; gives in its first 16 bytes, then the line.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "driver" "memory" (memory 1))
  (global $room (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))

  (func (export "lend") (param $room i32)
    (global.set $room (local.get $room)))

  (func $byte (export "byte") (param $byte i32)
    (i32.store8 offset=16 (i32.add (global.get $room) (global.get $length)) (local.get $byte))
    (global.set $length (i32.add (global.get $length) (i32.const 1))))

  (func (export "text") (param $at i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (call $byte (i32.load8_u (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))))

  (func (export "text_to_zero") (param $at i32)
    (loop $next
      (if (i32.load8_u (local.get $at))
        (then
          (call $byte (i32.load8_u (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))))

  (func $number (export "number") (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $byte (i32.add (i32.rem_u (local.get $number) (i32.const 10)) (i32.const 48))))

  (func $digit (param $digit i32)
    (call $byte
      (i32.add
        (local.get $digit)
        (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10))))))

  (func (export "hex") (param $at i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $bytes)))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $end))
        (then
          (call $digit (i32.shr_u (i32.load8_u (local.get $at)) (i32.const 4)))
          (call $digit (i32.and (i32.load8_u (local.get $at)) (i32.const 15)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))))

  ;; Ends the line and writes it.
  (func (export "line")
    (call $byte (i32.const 10))
    (i32.store (global.get $room) (i32.add (global.get $room) (i32.const 16)))
    (i32.store offset=4 (global.get $room) (global.get $length))
    (global.set $length (i32.const 0))
    (if (call $fd_write
          (i32.const 1)
          (global.get $room)
          (i32.const 1)
          (i32.add (global.get $room) (i32.const 8)))
      (then (unreachable)))))
