;; A database in memory: a table, ten thousand rows, questions about them. Each row of an answer is a line.
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
  (import "lib" "$" (func $message (param i32) (result i32)))
  (import "print" "lend" (func $lend (param i32)))
  (import "print" "byte" (func $byte (param i32)))
  (import "print" "text_to_zero" (func $text (param i32)))
  (import "print" "line" (func $line))
  (export "memory" (memory 0))

  (data $name ":memory:\00")
  (data $statements
    "CREATE TABLE t(n INTEGER PRIMARY KEY, square INTEGER, name TEXT)\00"
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10000) "
    "INSERT INTO t SELECT n, n * n, printf('row %05d', n) FROM c\00"
    "SELECT count(*), sum(square), max(name), avg(n) FROM t\00"
    "CREATE INDEX by_name ON t(name)\00"
    "SELECT n, name FROM t WHERE name LIKE '%777' ORDER BY name DESC LIMIT 3\00"
    "SELECT json_extract('{\"a\":[1,2,{\"b\":3.5}]}', '$.a[2].b')\00"
    "SELECT missing FROM t\00"
    "\00")

  (global $database (mut i32) (i32.const 0))

  ;; Runs a statement to its end; what is wrong with it is a line.
  (func $run (param $statement i32)
    (local $place i32) (local $row i32) (local $index i32)
    (local.set $place (call $allocate (i32.const 4)))
    (if (call $prepare
          (global.get $database) (local.get $statement) (i32.const -1) (local.get $place) (i32.const 0))
      (then
        (call $text (call $message (global.get $database)))
        (call $line)
        (return)))
    (local.set $statement (i32.load (local.get $place)))
    (block $done
      (loop $next
        (br_if $done (i32.ne (call $step (local.get $statement)) (i32.const 100)))
        (local.set $index (i32.const 0))
        (loop $field
          (if (local.get $index) (then (call $byte (i32.const 32))))
          (call $text (call $column (local.get $statement) (local.get $index)))
          (local.set $index (i32.add (local.get $index) (i32.const 1)))
          (br_if $field (i32.lt_u (local.get $index) (call $columns (local.get $statement)))))
        (call $line)
        (br $next)))
    (drop (call $finalize (local.get $statement))))

  (func (export "_start")
    (local $at i32) (local $place i32)
    (call $initialize)
    (call $lend (call $allocate (i32.const 1024)))
    (local.set $at (call $allocate (i32.const 9)))
    (memory.init $name (local.get $at) (i32.const 0) (i32.const 9))
    (local.set $place (call $allocate (i32.const 4)))
    (if (call $open (local.get $at) (local.get $place)) (then (unreachable)))
    (global.set $database (i32.load (local.get $place)))
    (local.set $at (call $allocate (i32.const 444)))
    (memory.init $statements (local.get $at) (i32.const 0) (i32.const 444))
    (loop $next
      (call $run (local.get $at))
      (loop $skip
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $skip (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.load8_u (local.get $at))))))
