;; What the parser imports: it is called back with each mapping, which is printed. Line and column of the output; where
;; there is an original, its source, line and column, and the name if there is one.
(module
  (import "print" "byte" (func $byte (param i32)))
  (import "print" "number" (func $number (param i32)))
  (import "print" "line" (func $line))
  (func $field (param $number i32)
    (call $byte (i32.const 32))
    (call $number (local.get $number)))
  (func (export "mapping_callback")
    (param $line i32) (param $column i32) (param $has_last i32) (param $last_column i32) (param $original i32)
    (param $source i32) (param $source_line i32) (param $source_column i32) (param $named i32) (param $name i32)
    (call $number (local.get $line))
    (call $field (local.get $column))
    (if (local.get $original)
      (then
        (call $field (local.get $source))
        (call $field (local.get $source_line))
        (call $field (local.get $source_column))
        (if (local.get $named) (then (call $field (local.get $name))))))
    (call $line)))
