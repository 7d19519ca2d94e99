;; Parses the mappings of a source map and has each called back.
(module
  (import "lib" "memory" (memory 17))
  (import "lib" "allocate_mappings" (func $allocate (param i32) (result i32)))
  (import "lib" "parse_mappings" (func $parse (param i32) (result i32)))
  (import "lib" "by_generated_location" (func $list (param i32)))
  (import "print" "lend" (func $lend (param i32)))
  (export "memory" (memory 0))

  (data $mappings "AAAA,IAAMA,EAAI;AACV,IAAMC,EAAI;ACAV,QAAQ,IAAI")

  (func (export "_start")
    (local $at i32)
    (call $lend (call $allocate (i32.const 256)))
    (local.set $at (call $allocate (i32.const 46)))
    (memory.init $mappings (local.get $at) (i32.const 0) (i32.const 46))
    (local.set $at (call $parse (local.get $at)))
    (if (i32.eqz (local.get $at)) (then (unreachable)))
    (call $list (local.get $at))))
