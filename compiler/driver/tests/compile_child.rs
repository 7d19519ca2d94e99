//! The compile child: what it gives, and how it ends that does not come to an end.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use compiler_driver::Error;
use compiler_driver::guest::{self, Cache, Guest, GuestOptions, Input, child};
use compiler_driver::keys;
use runtime_sandbox::{Ended, Limits, start};
use std::fmt::Write as _;

/// A module that takes long: many functions with many operators.
fn large() -> Vec<u8> {
    let mut text = "(module (func (export \"_start\"))".to_owned();
    for function in 0..600 {
        write!(text, "(func (export \"{function}\") (param i32) (result i32) (local.get 0)").unwrap();
        for operator in 0..400 {
            write!(text, "(i32.mul (i32.add (i32.const {})) (local.get 0))", function + operator).unwrap();
        }
        text += ")";
    }
    wat::parse_str(text + ")").unwrap()
}

fn guest(module: &[u8]) -> Guest {
    Guest::new(Input { name: "m", file: "m.wasm", bytes: module }, &[])
}

/// How a compilation ended that did not come to its end.
fn ended(result: Result<Vec<u8>, Error>) -> Ended {
    match result.map(|image| image.len()) {
        Err(Error::Compiler { ended, .. }) => ended,
        other => panic!("another end: {other:?}"),
    }
}

fn main() {
    // Whoever runs tests asks first what there is.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("compile_child: test");
        }
        return;
    }
    let module = wat::parse_str(r#"(module (func (export "_start")))"#).unwrap();
    let options = GuestOptions::default();
    let apart = |module: &[u8], limits: Limits| child::compile(&guest(module), options, limits);
    assert!(matches!(apart(&module, child::LIMITS), Err(Error::Child(_))), "nobody serves children yet");
    start(&[child::ROLE]);

    let image = apart(&module, child::LIMITS).unwrap();
    assert_eq!(image, guest::compile(&guest(&module), options).unwrap(), "the child's image is the same");

    let damaged = &module[..module.len() - 1];
    let (here, there) = (guest::compile(&guest(damaged), options), apart(damaged, child::LIMITS));
    assert_eq!(there.unwrap_err().to_string(), here.unwrap_err().to_string());

    let large = large();
    let second = Limits { cpu_seconds: Some(1), ..child::LIMITS };
    let late = ended(apart(&large, second));
    assert_eq!(late, Ended::ProcessorTime { seconds: 1 });
    let late = Error::Compiler { file: "m.wasm".into(), ended: late };
    assert_eq!(late.to_string(), "the compiler ran out of its 1 s of processor time");
    let small = Limits { memory_bytes: 24 << 20, ..child::LIMITS };
    assert_eq!(ended(apart(&large, small)), Ended::Memory { bytes: 24 << 20 });

    // What did not come to an end leaves nothing behind; the next module is compiled.
    let home = tempfile::tempdir().unwrap();
    let (key, _) = keys::Store::at(home.path()).development().unwrap();
    let cache = Cache::at(home.path());
    assert!(cache.image(&guest(damaged), options, "test", &key).is_err());
    assert!(cache.entries().is_empty());
    cache.image(&guest(&module), options, "test", &key).unwrap();
    assert_eq!(cache.entries().len(), 1);
}
