;; Reads where its memory has ended.
(module
  (memory (export "memory") 1)
  (func (export "on_init") (drop (i64.load offset=4294967295 (i32.const -1))))
  (func (export "on_process"))
  (func (export "on_close")))
