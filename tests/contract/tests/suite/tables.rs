//! Traps, symbols, source map and sources: what is written is found, and nothing is found elsewhere.

use crate::random::Random;
use sci::status::Fault;
use sci::tables::{GuestTables, Location, Symbol, function_at, functions, locate, sources, trap_at};
use sci::write;

#[test]
fn traps() {
    let section = write::traps(&[(4, Fault::Overflow), (20, Fault::Bounds), (u32::MAX, Fault::Division)]);
    assert_eq!(trap_at(&section, 4), Some(Fault::Overflow));
    assert_eq!(trap_at(&section, 20), Some(Fault::Bounds));
    assert_eq!(trap_at(&section, u32::MAX), Some(Fault::Division));
    for offset in [0, 3, 5, 19, 21, u32::MAX - 1] {
        assert_eq!(trap_at(&section, offset), None, "{offset}");
    }
    assert_eq!(trap_at(&[], 4), None);
    assert_eq!(trap_at(&[4, 0, 0, 0, 99, 0, 0, 0], 4), None);
}

#[test]
fn source_map() {
    let files = ["hello.in", "lib/words.in"];
    let section = write::source_map(&[(2, 0, 7, 1), (9, 1, 300, 12), (30, 0, 8, 5)], &files);
    let at = |file, line, column| Some(Location { file, line, column });
    assert_eq!(locate(&section, 0), None);
    assert_eq!(locate(&section, 2), at("hello.in", 7, 1));
    assert_eq!(locate(&section, 8), at("hello.in", 7, 1));
    assert_eq!(locate(&section, 9), at("lib/words.in", 300, 12));
    assert_eq!(locate(&section, u32::MAX), at("hello.in", 8, 5));
    assert_eq!(locate(&[], 0), None);
    assert_eq!(locate(&write::source_map(&[(0, 2, 1, 1)], &files), 0), None);
}

#[test]
fn places_in_guests() {
    let symbols = write::symbols(&[(0, 16, "run"), (16, 8, "stop")]);
    let source_map = write::source_map(&[(0, 0, 0x80, 0), (20, 0, 0x91, 0)], &["guest.wasm"]);
    let debug = write::source_map(&[(0x80, 0, 3, 5), (0x90, u32::MAX, 0, 0)], &["guest.c"]);
    let place = |debug, offset| {
        GuestTables { symbols: &symbols, source_map: &source_map, debug }.place(offset).to_string()
    };
    assert_eq!(place(&debug[..], Some(4)), "in `run` at offset 0x80 of the module, guest.c:3:5");
    assert_eq!(place(&debug[..], Some(21)), "in `stop` at offset 0x91 of the module");
    assert_eq!(place(&[], Some(4)), "in `run` at offset 0x80 of the module");
    assert_eq!(place(&debug[..], None), "in `?` at offset 0x0 of the module");
}

#[test]
fn symbols() {
    let section = write::symbols(&[(0, 16, "_start"), (16, 8, "größe"), (32, 4, "")]);
    assert_eq!(function_at(&section, 15), Some(Symbol { offset: 0, size: 16, name: "_start" }));
    assert_eq!(function_at(&section, 16), Some(Symbol { offset: 16, size: 8, name: "größe" }));
    assert_eq!(function_at(&section, 24), None);
    assert_eq!(function_at(&section, 35), Some(Symbol { offset: 32, size: 4, name: "" }));
    assert_eq!(function_at(&section, 36), None);
    assert!(functions(&section).map(|function| function.name).eq(["_start", "größe", ""]));
}

#[test]
fn source_list() {
    let files = [("a.in", [1; 32]), ("b.in", [2; 32]), ("c.in", [3; 32])];
    let (section, root) = write::sources(&files);
    assert!(sources(&section).eq(files));
    // Name, content, number and order each change the root.
    let roots = [
        write::sources(&[("a.in", [1; 32]), ("b.in", [2; 32]), ("d.in", [3; 32])]).1,
        write::sources(&[("a.in", [1; 32]), ("b.in", [2; 32]), ("c.in", [4; 32])]).1,
        write::sources(&[("a.in", [1; 32]), ("b.in", [2; 32])]).1,
        write::sources(&[("b.in", [2; 32]), ("a.in", [1; 32]), ("c.in", [3; 32])]).1,
        write::sources(&[]).1,
    ];
    assert!(!roots.contains(&root));
}

/// Any bytes may stand in these sections: reading them ends, and finds something or nothing.
#[test]
fn hostile_tables() {
    let mut random = Random(3);
    let sound = [
        write::traps(&[(4, Fault::Overflow), (20, Fault::Bounds)]),
        write::symbols(&[(0, 16, "_start"), (16, 8, "start")]),
        write::source_map(&[(2, 0, 7, 1), (9, 1, 300, 12)], &["hello.in", "words.in"]),
        write::sources(&[("a.in", [1; 32]), ("b.in", [2; 32])]).0,
    ];
    for _ in 0..20_000 {
        let mut section = random.pick(&[0usize, 1, 2, 3]);
        let mut bytes = sound[section].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.pick(&[0, 1, 0x7f, 0x80, 0xff, random.0 as u8]);
        }
        bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
        section = random.below(4) as usize;
        let offset = random.next() as u32 >> random.below(32);
        match section {
            0 => drop(trap_at(&bytes, offset)),
            1 => assert!(
                functions(&bytes).count() <= bytes.len() / 16 + 1
                    && function_at(&bytes, offset).is_none_or(|one| one.offset <= offset)
            ),
            2 => assert!(locate(&bytes, offset).is_none_or(|place| place.file.len() <= bytes.len())),
            _ => assert!(sources(&bytes).count() <= bytes.len() / 40 + 1),
        }
    }
}
