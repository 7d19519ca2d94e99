;; What the hash imports: large copies, and growth of the memory to so many bytes.
(module
  (import "lib" "c" (memory 1))
  (func (export "a") (param $to i32) (param $from i32) (param $bytes i32) (result i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $bytes))
    (local.get $to))
  (func (export "b") (param $bytes i32) (result i32)
    (local $pages i32)
    (local.set $pages
      (i32.add
        (i32.shr_u (local.get $bytes) (i32.const 16))
        (i32.ne (i32.and (local.get $bytes) (i32.const 65535)) (i32.const 0))))
    (if (i32.le_u (local.get $pages) (memory.size)) (then (return (i32.const 1))))
    (i32.ne (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))))
