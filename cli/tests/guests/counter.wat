;; Counts its starts in six digits, says how many there were, and ends as a failure, which ends the run.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "data" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "start 000000")
  (data (i32.const 64) "starts")
  (func (export "on_init") (local $at i32)
    (drop (call $get (i32.const 64) (i32.const 6) (i32.const 6) (i32.const 6)))
    (local.set $at (i32.const 11))
    (block $done
      (loop $carry
        (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
        (br_if $done (i32.le_u (i32.load8_u (local.get $at)) (i32.const 57)))
        (i32.store8 (local.get $at) (i32.const 48))
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (br $carry)))
    (if (call $put (i32.const 64) (i32.const 6) (i32.const 6) (i32.const 6)) (then unreachable))
    (drop (call $log (i32.const 0) (i32.const 12)))
    (call $exit (i32.const 1)))
  (func (export "on_process"))
  (func (export "on_close")))
