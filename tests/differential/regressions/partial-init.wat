;; What active segments have written stays when a later one does not fit.
(module
  (import "host" "0" (memory 1 2))
  (import "host" "1" (table 6 8 funcref))
  (import "host" "2" (global $offset i32))
  (memory $own 1 1)
  (func $one (export "one") (result i32) (i32.const 1))
  (elem (i32.const 1) func $one $one)
  (elem (i32.add (global.get $offset) (i32.const 1)) func $one)
  (data (i32.const 10) "here")
  (data (i32.add (global.get $offset) (i32.const 65530)) "too long")
  (data (memory $own) (i32.const 0) "never"))
