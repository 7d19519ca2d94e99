;; Stores as much over and over as fits no half of the disk, each value in place of an earlier one, and ends.
(module
  (import "sys" "log" (func $log (param i32 i32) (result i32)))
  (import "data" "put" (func $put (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "k0round")
  (func (export "on_init") (local $n i32)
    (loop $next
      (i32.store8 (i32.const 1) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 7))))
      (i32.store (i32.const 1024) (local.get $n))
      (if (call $put (i32.const 0) (i32.const 2) (i32.const 1024) (i32.const 65536)) (then unreachable))
      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 100))) (then (drop (call $log (i32.const 2) (i32.const 5)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 540))))
    (call $exit (i32.const 1)))
  (func (export "on_process")) (func (export "on_close")))
