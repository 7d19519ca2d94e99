;; Parses the mappings of a source map of 4,000 lines and lists them, as often as asked.
(module
  (import "lib" "memory" (memory 17))
  (import "lib" "allocate_mappings" (func $allocate (param i32) (result i32)))
  (import "lib" "parse_mappings" (func $parse (param i32) (result i32)))
  (import "lib" "by_generated_location" (func $list (param i32)))
  (import "lib" "free_mappings" (func $free (param i32)))
  (import "env" "sum" (func $sum (result i64)))
  (data $mappings "AAAA,IAAMA,EAAI;AACV,IAAMC,EAAI;ACAV,QAAQ,IAAI;ADDV,EAAE;")

  (func (export "run") (param $rounds i32) (result i64)
    (local $text i32) (local $at i32)
    (loop $next
      (local.set $text (call $allocate (i32.const 57000)))
      (local.set $at (i32.const 0))
      (loop $fill
        (memory.init $mappings (i32.add (local.get $text) (local.get $at)) (i32.const 0) (i32.const 57))
        (local.set $at (i32.add (local.get $at) (i32.const 57)))
        (br_if $fill (i32.lt_u (local.get $at) (i32.const 57000))))
      (local.set $at (call $parse (local.get $text)))
      (if (i32.eqz (local.get $at)) (then (unreachable)))
      (call $list (local.get $at))
      (call $free (local.get $at))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $next (local.get $rounds)))
    (call $sum)))
