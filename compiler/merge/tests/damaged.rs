//! Damaged modules: refused, or merged into a module that is valid.

use compiler_merge::{Input, merge};

const ENV: &str = r#"(module
    (import "main" "g" (func $g (param i32) (result i32)))
    (memory (export "memory") 1) (table (export "table") 4 funcref)
    (global (export "base") i32 (i32.const 8))
    (func $f (export "f") (param i32) (result i32) (call $g (local.get 0)))
    (data $passive "passive") (elem (i32.const 1) func $f)
    (func (export "_initialize") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7))))"#;

const MAIN: &str = r#"(module
    (import "env" "f" (func $f (param i32) (result i32)))
    (import "env" "memory" (memory 1)) (import "env" "table" (table 2 funcref))
    (import "env" "base" (global $base i32)) (import "host" "h" (func $h))
    (export "memory" (memory 0))
    (data (global.get $base) "abc") (elem $items funcref (ref.func $f) (ref.null func))
    (func (export "g") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func $start (table.init $items (i32.const 0) (i32.const 0) (i32.const 1)) (call $h)) (start $start)
    (func (export "through") (result i32)
        (call_indirect (param i32) (result i32) (i32.const 8) (i32.const 0))))"#;

#[test]
fn damage_is_refused_or_merged() {
    let sound = [MAIN, ENV].map(|text| wat::parse_str(text).expect("the module is text"));
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut merged, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut both = sound.clone();
        for _ in 0..round % 4 {
            let bytes = &mut both[random(2)];
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        let [main, env] = &both;
        let linked = [Input { name: "env", file: "env.wasm", bytes: env }];
        match merge(Input { name: "main", file: "main.wasm", bytes: main }, &linked) {
            Ok(bytes) => {
                compiler_wasm::validate(&bytes).expect("what is merged is valid");
                merged += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(merged > 6_000 && refused > 6_000, "{merged} merged, {refused} refused");
}
