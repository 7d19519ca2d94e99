//! What is written: numbers and order of the one module.

use compiler_merge::{Input, merge};
use wasmparser::{Parser, Payload, TypeRef};

/// The one module of a main module and linked ones, by name.
fn link(main: &str, linked: &[(&str, &str)]) -> Vec<u8> {
    let assemble = |text: &str| wat::parse_str(text).expect("the module is text");
    let linked: Vec<(&str, Vec<u8>)> = linked.iter().map(|(name, text)| (*name, assemble(text))).collect();
    let inputs: Vec<Input<'_>> =
        linked.iter().map(|(name, bytes)| Input { name, file: name, bytes }).collect();
    merge(Input { name: "main", file: "main", bytes: &assemble(main) }, &inputs).expect("they fit together")
}

fn payloads(bytes: &[u8]) -> impl Iterator<Item = Payload<'_>> {
    Parser::new(0).parse_all(bytes).map(|payload| payload.expect("can be read"))
}

#[test]
fn the_memory_that_the_host_reaches_is_the_first() {
    let library = r#"(module (memory 1) (memory (export "lent") 7))"#;
    let main = r#"(module (import "library" "lent" (memory 1)) (memory 2) (export "memory" (memory 0)))"#;
    let merged = link(main, &[("library", library)]);
    let mut sizes = Vec::new();
    for payload in payloads(&merged) {
        match payload {
            Payload::MemorySection(section) => {
                sizes.extend(section.into_iter().map(|memory| memory.expect("a memory").initial));
            }
            Payload::ExportSection(section) => {
                let exports: Vec<_> = section.into_iter().map(|export| export.expect("an export")).collect();
                assert_eq!(
                    exports.iter().map(|one| (one.name, one.index)).collect::<Vec<_>>(),
                    [("memory", 0)]
                );
            }
            _ => {}
        }
    }
    assert_eq!(sizes, [7, 1, 2]);
}

#[test]
fn equal_types_and_imports_are_written_once() {
    let import = r#"(import "host" "f" (func (param i32)))"#;
    let library = format!(r#"(module (type (func (result i64))) {import} (import "host" "g" (global i32)))"#);
    let main = format!(
        r#"(module {import} (import "host" "g" (global i64)) (type (func (result i64))) (func (result i64) (i64.const 0)))"#
    );
    let merged = link(&main, &[("library", &library)]);
    for payload in payloads(&merged) {
        match payload {
            Payload::TypeSection(section) => assert_eq!(section.count(), 2),
            Payload::ImportSection(section) => {
                let imports = section.into_imports().map(|import| import.expect("an import"));
                let types: Vec<TypeRef> = imports.map(|import| import.ty).collect();
                // Another type is another import.
                assert!(matches!(types[..], [TypeRef::Func(_), TypeRef::Global(_), TypeRef::Global(_)]));
            }
            _ => {}
        }
    }
}
