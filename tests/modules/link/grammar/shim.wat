;; What a library for dynamic linking imports: a memory, a table, a stack, and the places of its own data and functions
;; in these; and two functions of the C library, of which this is the part that is ASCII.
(module
  (memory (export "memory") 8)
  (table (export "__indirect_function_table") 8 funcref)
  ;; The library's data are 381,780 bytes.
  (global (export "__memory_base") i32 (i32.const 65536))
  (global (export "__table_base") i32 (i32.const 1))
  (global (export "__stack_pointer") (mut i32) (i32.const 65536))
  (func (export "iswspace") (param $letter i32) (result i32)
    (i32.or
      (i32.eq (local.get $letter) (i32.const 32))
      (i32.lt_u (i32.sub (local.get $letter) (i32.const 9)) (i32.const 5))))
  (func (export "iswalpha") (param $letter i32) (result i32)
    (i32.lt_u
      (i32.sub (i32.or (local.get $letter) (i32.const 32)) (i32.const 97))
      (i32.const 26))))
