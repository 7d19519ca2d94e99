;; Loads and stores of one lane, where the memory ends and behind it.
(module
  (memory (export "memory") 1 1)
  (func (export "store") (param i32 v128) (v128.store16_lane 3 (local.get 0) (local.get 1)))
  (func (export "load") (param i32 v128) (result v128)
    (v128.load64_lane 1 (local.get 0) (local.get 1)))
  (func (export "far") (param i32 v128) (result i32)
    (v128.store8_lane offset=0xfffe 2 (i32.and (local.get 0) (i32.const 3)) (local.get 1))
    (i32.load16_u (i32.const 0xfffe)))
  (func (export "edge") (result v128) (v128.load32_lane offset=0xfffc 0 (i32.const 0) (v128.const i64x2 1 2)))
  (func (export "behind") (v128.store64_lane 0 (i32.const 0xfff9) (v128.const i64x2 -1 -1))))
