;; A database in memory: a table, two thousand rows, questions about them, as often as asked.
(module
  (import "lib" "O" (memory 338))
  (import "lib" "P" (func $initialize))
  (import "lib" "Ia" (func $allocate (param i32) (result i32)))
  (import "lib" "Ha" (func $open (param i32 i32) (result i32)))
  (import "lib" "T" (func $prepare (param i32 i32 i32 i32 i32) (result i32)))
  (import "lib" "U" (func $step (param i32) (result i32)))
  (import "lib" "ra" (func $columns (param i32) (result i32)))
  (import "lib" "Z" (func $column (param i32 i32) (result i32)))
  (import "lib" "X" (func $finalize (param i32) (result i32)))

  (data $name ":memory:\00")
  (data $statements
    "CREATE TABLE t(n INTEGER PRIMARY KEY, square INTEGER, name TEXT)\00"
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) "
    "INSERT INTO t SELECT n, n * n, printf('row %05d', n) FROM c\00"
    "SELECT count(*), sum(square), max(name), avg(n) FROM t\00"
    "CREATE INDEX by_name ON t(name)\00"
    "SELECT n, name FROM t WHERE name LIKE '%77' ORDER BY name DESC LIMIT 3\00"
    "SELECT json_extract('{\"a\":[1,2,{\"b\":3.5}]}', '$.a[2].b')\00"
    "DROP TABLE t\00"
    "\00")

  (global $database (mut i32) (i32.const 0))
  (global $statements (mut i32) (i32.const 0))
  (global $place (mut i32) (i32.const 0))
  (global $sum (mut i64) (i64.const 0))

  (func $add (param $text i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load8_u (local.get $text))))
        (global.set $sum
          (i64.add
            (i64.mul (global.get $sum) (i64.const 31))
            (i64.load8_u (local.get $text))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (br $next))))

  (func $execute (param $statement i32)
    (local $index i32)
    (if (call $prepare
          (global.get $database) (local.get $statement) (i32.const -1) (global.get $place) (i32.const 0))
      (then (unreachable)))
    (local.set $statement (i32.load (global.get $place)))
    (block $done
      (loop $next
        (br_if $done (i32.ne (call $step (local.get $statement)) (i32.const 100)))
        (local.set $index (i32.const 0))
        (loop $field
          (call $add (call $column (local.get $statement) (local.get $index)))
          (local.set $index (i32.add (local.get $index) (i32.const 1)))
          (br_if $field (i32.lt_u (local.get $index) (call $columns (local.get $statement)))))
        (br $next)))
    (if (call $finalize (local.get $statement)) (then (unreachable))))

  (func $begin
    (local $at i32)
    (if (global.get $database) (then (return)))
    (call $initialize)
    (local.set $at (call $allocate (i32.const 9)))
    (memory.init $name (local.get $at) (i32.const 0) (i32.const 9))
    (global.set $place (call $allocate (i32.const 4)))
    (if (call $open (local.get $at) (global.get $place)) (then (unreachable)))
    (global.set $database (i32.load (global.get $place)))
    (global.set $statements (call $allocate (i32.const 512)))
    (memory.init $statements (global.get $statements) (i32.const 0) (i32.const 433)))

  (func (export "run") (param $rounds i32) (result i64)
    (local $at i32)
    (call $begin)
    (global.set $sum (i64.const 0))
    (loop $again
      (local.set $at (global.get $statements))
      (loop $next
        (call $execute (local.get $at))
        (loop $skip
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $skip (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.load8_u (local.get $at))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $again (local.get $rounds)))
    (global.get $sum)))
