//! Modules made to exhaust whoever compiles them: each is compiled or refused, and the next one is served.

use space_host::{Instance, Module, Store};
use tests_conformance::image::{self, Error};

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn section(id: u8, body: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(body.len()), body].concat()
}

/// A module with these functions, all `() -> ()`; `before` stands between the functions' types and the exports.
fn module(before: &[u8], bodies: &[Vec<u8>]) -> Vec<u8> {
    let types = [&leb(bodies.len())[..], &vec![0; bodies.len()]].concat();
    let code: Vec<u8> = bodies.iter().flat_map(|body| [leb(body.len()), body.clone()].concat()).collect();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, b"\x01\x60\0\0"),
        section(3, &types),
        before.to_vec(),
        section(7, b"\x01\x01f\0\0"),
        section(10, &[leb(bodies.len()), code].concat()),
    ]
    .concat()
}

fn body(operators: &[u8]) -> Vec<u8> {
    [b"\0", operators, b"\x0b"].concat()
}

fn nested(open: &[u8], depth: usize) -> Vec<u8> {
    body(&[open.repeat(depth), vec![0x0b; depth]].concat())
}

fn runs(bytes: &[u8]) {
    let image = image::compile(bytes).expect("it compiles");
    let module = Module::load(&image, &[sci::sign::public_key(&image::SEED)]).expect("it loads");
    let store = Store::new().expect("a store");
    let instance = Instance::new(&store, &module, &[]).expect("it is instantiated");
    instance.function("f").expect("it exports `f`").call(&[]).expect("it returns");
}

fn too_large(bytes: &[u8]) {
    let error = image::compile(bytes).expect_err("it is too large");
    assert!(matches!(error, Error::Module(compiler_wasm::Error::TooLarge { .. })), "{error}");
}

#[test]
fn blocks_nest_200_000_deep() {
    // Cranelift's own checks, which debug builds make, take time that grows with the square of the depth.
    let depth = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    runs(&module(&[], &[nested(b"\x02\x40", depth)]));
}

#[test]
fn loops_and_branches_nest_deep() {
    runs(&module(&[], &[nested(b"\x03\x40", 10_000)]));
    runs(&module(&[], &[nested(b"\x41\x01\x04\x40", 10_000)]));
}

#[test]
fn expressions_nest_deep() {
    let sum = [b"\x41\x01".repeat(20_000), vec![0x6a; 19_999], b"\x1a".to_vec()].concat();
    runs(&module(&[], &[body(&sum)]));
}

#[test]
fn width_is_no_matter() {
    runs(&module(&[], &vec![body(b""); 20_000]));
    runs(&module(&[], &[body(&b"\x10\x01".repeat(50_000)), body(b"")]));
    runs(&module(&[], &[[b"\x01\xd0\x86\x03\x7f".to_vec(), b"\x0b".to_vec()].concat()]));
    let targets: Vec<u8> = (0..50_000).flat_map(|target| leb(target % 500)).collect();
    let table =
        [b"\x02\x40".repeat(500), b"\x41\x05\x0e".to_vec(), leb(50_000), targets, leb(0), vec![0x0b; 500]]
            .concat();
    runs(&module(&[], &[body(&table)]));
}

#[test]
fn what_is_beyond_a_limit_is_refused_by_it() {
    too_large(&module(&[], &[body(&b"\x01".repeat(1 << 20))]));
    let table = section(4, &[b"\x01\x70\0".to_vec(), leb(0xffff_ffff)].concat());
    too_large(&module(&table, &[body(b"")]));
    let memories = section(5, &[leb(65), b"\0\0".repeat(65)].concat());
    too_large(&module(&memories, &[body(b"")]));
    runs(&module(&[], &[body(b"")]));
}

#[test]
fn imports_that_no_image_may_name_are_refused_before_they_are_compiled() {
    let long = "n".repeat(256);
    for (module, item) in [("", "f"), ("m", ""), ("m", "a\0b"), ("m\n", "f"), ("m", &long)] {
        let name = |name: &str| [leb(name.len()), name.as_bytes().to_vec()].concat();
        let import = [name(module), name(item), vec![0, 0]].concat();
        let sound = [name("m"), name("f"), vec![0, 0]].concat();
        let offset = 8 + 6 + 3 + u64::from(import.len() > 100) + sound.len() as u64;
        let bytes = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, b"\x01\x60\0\0"),
            section(2, &[vec![2], sound, import].concat()),
        ]
        .concat();
        let Error::Module(error) = image::compile(&bytes).expect_err("is refused") else { panic!("late") };
        let (module, item) = (module.to_owned(), item.to_owned());
        assert_eq!(error, compiler_wasm::Error::ImportName { offset, module, item }, "{error}");
    }
}

#[test]
fn damaged_modules_are_compiled_or_refused() {
    let sound = wat::parse_str(
        "(module (memory 1) (table 4 funcref) (elem (i32.const 0) $g) (data (i32.const 0) \"abc\")
         (func $g (param i32) (result i32) (i32.add (local.get 0) (i32.load (i32.const 0))))
         (func (export \"f\") (drop (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0)))))",
    )
    .expect("the module is text");
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut compiled = 0;
    for _ in 0..10_000 {
        let mut bytes = sound.clone();
        for _ in 0..=random(3) {
            match random(3) {
                0 => bytes.truncate(8 + random(bytes.len() - 7)),
                _ => {
                    let at = random(bytes.len());
                    bytes[at] = random(256) as u8;
                }
            }
            if bytes.len() < 9 {
                break;
            }
        }
        compiled += usize::from(image::compile(&bytes).is_ok());
    }
    assert!(compiled > 0, "some changes leave a sound module");
}
