//! Places of traps in the sources that a module was made of.

use sci::sign::public_key;
use sci::status::Fault;
use space_host::{Error, Instance, Module, Place, Store, Trap};
use tests_conformance::image::{SEED, compile};

/// Built of `divide.c`, which says how.
const DIVIDE: &[u8] = include_bytes!("../lines/divide.wasm");

/// Where a module's `_start` traps.
fn place(module: &[u8]) -> Place {
    let image = compile(module).expect("it compiles");
    let module = Module::load(&image, &[public_key(&SEED)]).expect("it loads");
    let store = Store::new().expect("a store");
    let instance = Instance::new(&store, &module, &[]).map_err(|error: Error| error.to_string());
    let start = instance.expect("it is instantiated").function("_start").expect("a way in");
    match start.call(&[]) {
        Err(Trap::Fault { fault: Fault::Division, place }) => place,
        other => panic!("{other:?}"),
    }
}

/// Where the content of a module's sections with DWARF lies, with the sections' names.
fn dwarf() -> Vec<(String, std::ops::Range<usize>)> {
    let sections = wasmparser::Parser::new(0).parse_all(DIVIDE).filter_map(|payload| match payload {
        Ok(wasmparser::Payload::CustomSection(section)) => {
            let end = section.data_offset() as usize + section.data().len();
            Some((section.name().to_owned(), section.data_offset() as usize..end))
        }
        _ => None,
    });
    sections.filter(|(name, _)| name.starts_with(".debug_")).collect()
}

#[test]
fn a_trap_names_file_and_line_where_the_module_tells_them() {
    let place = place(DIVIDE);
    assert_eq!(place.function, "divide");
    assert_eq!(place.line, Some(("divide.c".into(), 6, 15)));
    let offset = place.offset;
    assert_eq!(place.to_string(), format!("in `divide` at offset {offset:#x} of the module, divide.c:6:15"));
}

#[test]
fn damaged_lines_are_no_error() {
    let whole = place(DIVIDE);
    let sections = dwarf();
    assert!(sections.len() >= 4, "{sections:?}");
    let mut without_lines = 0;
    for (name, range) in sections {
        for at in range.clone() {
            for bits in [0x01, 0x80, 0xff] {
                let mut module = DIVIDE.to_vec();
                module[at] ^= bits;
                compile(&module).unwrap_or_else(|error| panic!("{name}, byte {}: {error}", at - range.start));
            }
        }
        let mut module = DIVIDE.to_vec();
        module[range].fill(0xff);
        let damaged = place(&module);
        assert_eq!((&damaged.function, damaged.offset), (&whole.function, whole.offset), "{name}");
        without_lines += u32::from(damaged.line.is_none());
    }
    assert!(without_lines > 0);
}
