;; What the parser calls back with each mapping: it is added up.
(module
  (global $sum (mut i64) (i64.const 0))
  (func (export "sum") (result i64)
    (local $sum i64)
    (local.set $sum (global.get $sum))
    (global.set $sum (i64.const 0))
    (local.get $sum))
  (func (export "mapping_callback")
    (param $line i32) (param $column i32) (param $has_last i32) (param $last_column i32) (param $original i32)
    (param $source i32) (param $source_line i32) (param $source_column i32) (param $named i32) (param $name i32)
    (global.set $sum
      (i64.add
        (i64.mul (global.get $sum) (i64.const 31))
        (i64.extend_i32_u
          (i32.add
            (i32.add (local.get $line) (local.get $column))
            (i32.add (local.get $source_line) (local.get $source_column))))))))
