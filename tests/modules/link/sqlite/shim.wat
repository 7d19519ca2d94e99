;; What the database imports of its surroundings: a clock that stands still, a memory that grows, an empty
;; environment, and no files. The names are those that the database was built with.
(module
  (import "lib" "O" (memory 1))

  ;; The time, in milliseconds, and since the beginning.
  (func (export "d") (result f64) (f64.const 1700000000000))
  (func (export "c") (result f64) (f64.const 1))

  ;; How many bytes the memory may have, and growth to so many.
  (func (export "p") (result i32) (i32.const 0x80000000))
  (func (export "l") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.add
        (i32.shr_u (local.get $bytes) (i32.const 16))
        (i32.ne (i32.and (local.get $bytes) (i32.const 65535)) (i32.const 0))))
    (if (i32.le_u (local.get $pages) (memory.size)) (then (return (i32.const 1))))
    (i32.ne (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1)))

  ;; The environment: its size, and its variables.
  (func (export "H") (param $count i32) (param $bytes i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "G") (param i32 i32) (result i32) (i32.const 0))

  ;; The working directory is the root.
  (func (export "I") (param $at i32) (param $bytes i32) (result i32)
    (i32.store16 (local.get $at) (i32.const 0x2f))
    (i32.const 2))

  ;; No files: what opens or looks one up finds nothing.
  (func (export "x") (param i32 i32 i32 i32) (result i32) (i32.const -44))
  (func (export "M") (param i32 i32) (result i32) (i32.const -44))
  (func (export "L") (param i32 i32 i32 i32) (result i32) (i32.const -44))
  (func (export "N") (param i32 i32) (result i32) (i32.const -44))
  (func (export "D") (param i32 i32 i32 i32) (result i32) (i32.const -44))

  ;; Everything else has to do with files and time zones, and is not called.
  (func (export "a") (param i32 i32 i32 i32) (unreachable))
  (func (export "b") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "e") (param i32) (result i32) (unreachable))
  (func (export "f") (param i32) (unreachable))
  (func (export "g") (param i32 i32) (result i32) (unreachable))
  (func (export "h") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "i") (param i32 i32) (result i32) (unreachable))
  (func (export "j") (param i32 i32) (result i32) (unreachable))
  (func (export "k") (param i32 f64) (result i32) (unreachable))
  (func (export "m") (param i32 i32) (result i32) (unreachable))
  (func (export "n") (param i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "o") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "q") (param i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "r") (param i32) (result i32) (unreachable))
  (func (export "s") (param i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "t") (param i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "u") (param i32) (unreachable))
  (func (export "v") (unreachable))
  (func (export "w") (unreachable))
  (func (export "y") (param i32 i32 i32 i32 i64 i32 i32) (result i32) (unreachable))
  (func (export "z") (param i32 i32 i32 i32 i32 i64) (result i32) (unreachable))
  (func (export "A") (param i64 i32) (result i32) (unreachable))
  (func (export "B") (param i32 i32 i32 i32) (unreachable))
  (func (export "C") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "E") (param i32 i64 i32 i32) (result i32) (unreachable))
  (func (export "F") (result i32) (unreachable))
  (func (export "J") (param i32 i64) (result i32) (unreachable))
  (func (export "K") (param i32) (result i32) (unreachable)))
