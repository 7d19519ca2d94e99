//! What is refused of a crate's object, and how: objects that the host's assembler and linker make.

use compiler_link::ingest::{Error, Input, link};
use compiler_mir::ir::{Component, Export, Facts, FunctionId};
use compiler_syntax::span::{Sources, Span};
use sci::header::Kind;
use sci::image::Image;
use sci::manifest::Tag;
use sci::section::SectionKind;
use sci::tables;
use std::fs;
use std::process::Command;

/// The linker's flags for a crate, without those of rustc.
const FLAGS: [&str; 4] = [
    "-nostdlib",
    "-nostartfiles",
    "-shared",
    "-Wl,-Bsymbolic,-z,separate-code,-z,max-page-size=4096,-z,now,-z,noexecstack,--build-id=none",
];

/// Assembles and links.
fn object(assembly: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (source, output) = (folder.path().join("crate.s"), folder.path().join("crate.so"));
    fs::write(&source, assembly).expect("a file can be written");
    // The file's own folder would be in the lines.
    let linked = Command::new("cc")
        .current_dir(folder.path())
        .args(FLAGS)
        .args(["-g", "-x", "assembler", "crate.s", "-o"])
        .arg(&output)
        .status()
        .expect("a C compiler is installed, which Rust itself links with");
    assert!(linked.success(), "{assembly}");
    fs::read(output).expect("it is there")
}

fn component() -> Component {
    Component {
        package: String::new(),
        name: "Crate".to_owned(),
        version: "0.0.0".to_owned(),
        capabilities: Vec::new(),
        exports: Vec::new(),
        main: FunctionId(0),
        entries: Vec::new(),
        facts: Facts::default(),
        span: Span::default(),
    }
}

fn ingest(assembly: &str) -> Result<Vec<u8>, Error> {
    let component = component();
    link(&Input {
        component: &component,
        elf: &object(assembly),
        stack_bytes: 8192,
        sources: &Sources::default(),
        files: &[],
        flags: "",
    })
}

const START: &str = ".text\n.globl _start\n.type _start,@function\n_start:\n  lea table(%rip), %rax\n  \
                     call *thread_control@GOTPCREL(%rip)\n  ud2\n.size _start,.-_start\n.data\nvalue: .quad 7\n\
                     .section .rodata,\"a\"\ntext: .ascii \"text\"\n\
                     .section .data.rel.ro,\"aw\"\ntable: .quad text\n .quad value\n.bss\n.skip 9000\n";

/// The parts of an object become sections, slots and addresses that count from the slab's base.
#[test]
fn an_object_becomes_an_image() {
    let bytes = ingest(START).expect("nothing is refused");
    let image = Image::verify(&bytes).expect("the image is right");
    let kinds: Vec<SectionKind> = image.sections().map(|section| section.kind).collect();
    assert!(kinds.starts_with(&[
        SectionKind::Text,
        SectionKind::Rodata,
        SectionKind::Relro,
        SectionKind::Data,
        SectionKind::Bss
    ]));
    let manifest = image.manifest();
    assert_eq!(manifest.memory.stack_tag, Tag::Declared);
    let imports: Vec<&str> = manifest.imports.iter().map(|import| import.item).collect();
    assert_eq!(imports, ["thread_control"]);
    let targets: Vec<SectionKind> = image
        .relocations()
        .map(|offset| {
            let relro = image.section(SectionKind::Relro).expect("there is relro");
            let from = (offset - relro.memory_offset) as usize;
            let word = image.section_bytes(&relro)[from..from + 8].try_into().expect("eight bytes");
            image.section_at(u64::from_le_bytes(word)).expect("it points into the image").kind
        })
        .collect();
    assert_eq!(targets, [SectionKind::Rodata, SectionKind::Data]);
    let symbol = tables::function_at(image.bytes_of(SectionKind::Symbols), 0).expect("text has a symbol");
    assert_eq!(symbol.name, "_start");
    let place = tables::locate(image.bytes_of(SectionKind::SourceMap), 0).expect("text has lines");
    assert!(place.file.ends_with("crate.s") && place.line == 5, "{place:?}");
}

#[test]
fn what_an_image_cannot_hold_is_refused_by_name() {
    let cases = [
        (".text\n call *puts@GOTPCREL(%rip)\n", "crate-undefined", "`puts`"),
        (".text\n.weak gone\n mov gone@GOTPCREL(%rip), %rax\n", "crate-undefined", "`gone`"),
        (".section .tdata,\"awT\",@progbits\n.quad 1\n", "crate-thread-local", "`.tdata`"),
        (".section .tbss,\"awT\",@nobits\n.skip 8\n", "crate-thread-local", "`.tbss`"),
        (".section .init_array,\"aw\",@init_array\n.quad _start\n", "crate-initialiser", "`.init_array`"),
        (".section .fini_array,\"aw\",@fini_array\n.quad _start\n", "crate-initialiser", "`.fini_array`"),
        (".section .rodata,\"a\"\n.quad _start\n", "crate-relocation", "`.rodata`"),
        (".text\n.quad value\n", "crate-relocation", "`.text`"),
        (
            ".text\n.type pick,@gnu_indirect_function\n.globl pick\npick: ret\n mov pick@GOTPCREL(%rip), %rax\n.data\n.quad pick\n",
            "crate-relocation",
            "IRELATIVE",
        ),
        (".data\n.byte 1\n.quad value\n", "crate-relocation", "`.data`"),
        (".data\n.align 8\n.quad thread_control\n", "crate-relocation", "`.data`"),
        (".bss\n.skip 600000000\n", "crate-image", "bytes"),
    ];
    for (assembly, id, words) in cases {
        let Err(error) = ingest(&format!("{START}{assembly}")) else { panic!("accepted: {assembly}") };
        assert_eq!(error.id(), id, "{assembly}: {error}");
        assert!(error.to_string().contains(words), "{assembly}: {error}");
        assert!(!error.help().is_empty());
    }
}

const LIBRARY: &str = ".text\n.globl \"shop.sell\"\n.type \"shop.sell\",@function\n\"shop.sell\":\n  \
                       lea shelf(%rip), %rax\n  call *thread_control@GOTPCREL(%rip)\n  ret\n\
                       .size \"shop.sell\",.-\"shop.sell\"\n\
                       .globl \"shop.buy\"\n.type \"shop.buy\",@function\n\"shop.buy\": ret\n\
                       .size \"shop.buy\",.-\"shop.buy\"\n\
                       .globl helper\n.type helper,@function\nhelper: ret\n\
                       .type \"shop.hidden\",@function\n\"shop.hidden\": ret\n\
                       .globl \"shop.stock\"\n.type \"shop.stock\",@object\n.data\n\"shop.stock\": .quad 7\n\
                       .section .data.rel.ro,\"aw\"\nshelf: .quad shelf\n.bss\n.skip 9000\n";

/// Functions with a module's name become a library's; what else is defined stays its own.
#[test]
fn an_object_without_an_entry_becomes_a_library() {
    let bytes = ingest(LIBRARY).expect("nothing is refused");
    let image = Image::verify(&bytes).expect("the image is right");
    assert_eq!(image.header().kind, Kind::Library);
    let manifest = image.manifest();
    assert!(manifest.entries.is_empty());
    let items: Vec<&str> = manifest.exports.iter().map(|export| export.item).collect();
    assert_eq!(items, ["shop.buy", "shop.sell"]);
    let text = image.section(SectionKind::Text).expect("there is text").memory_offset;
    for export in &manifest.exports {
        let symbol = tables::function_at(image.bytes_of(SectionKind::Symbols), (export.offset - text) as u32);
        assert_eq!(symbol.map(|symbol| symbol.name), Some(export.item));
    }
    let imports: Vec<&str> = manifest.imports.iter().map(|import| import.item).collect();
    assert_eq!((imports, manifest.memory.stack_bytes), (vec!["thread_control"], 8192));
    assert_eq!(image.relocations().count(), 1);
}

#[test]
fn an_entry_makes_a_component_whatever_else_is_defined() {
    let bytes = ingest(&format!("{START}{LIBRARY}")).expect("nothing is refused");
    let image = Image::verify(&bytes).expect("the image is right");
    assert_eq!(image.header().kind, Kind::Component);
    assert!(image.manifest().exports.is_empty());
}

#[test]
fn a_library_serves_no_interface() {
    let mut component = component();
    component.exports.push(Export {
        name: "shop".to_owned(),
        interface: "Shop".to_owned(),
        hash: [0; 32],
        methods: Vec::new(),
        method_names: Vec::new(),
        window_bytes: 0,
        span: Span::default(),
    });
    let refused = link(&Input {
        component: &component,
        elf: &object(LIBRARY),
        stack_bytes: 8192,
        sources: &Sources::default(),
        files: &[],
        flags: "",
    });
    let error = refused.expect_err("nobody serves it");
    assert!(matches!(error, Error::Exports { .. }) && error.id() == "crate-object", "{error}");
}

#[test]
fn an_object_without_an_entry_is_refused() {
    let error = ingest(".text\n.globl other\nother: ret\n").expect_err("there is no entry");
    assert!(matches!(error, Error::NoStart) && error.id() == "crate-object", "{error}");
}

/// A damaged object is refused or becomes an image that holds the contract, whatever is damaged.
#[test]
fn damage_is_never_worse_than_a_refusal() {
    let (whole, component, sources) = (object(START), component(), Sources::default());
    let ingest = |elf: &[u8]| {
        link(&Input {
            component: &component,
            elf,
            stack_bytes: 8192,
            sources: &sources,
            files: &[],
            flags: "",
        })
    };
    let mut state: u64 = 88_172_645_463_325_252;
    for _ in 0..3000 {
        let mut elf = whole.clone();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = (state >> 8) as usize % elf.len();
            elf[at] = state as u8;
        }
        if let Ok(image) = ingest(&elf) {
            Image::verify(&image).expect("what is linked is right");
        }
    }
    for end in (0..whole.len()).step_by(97) {
        ingest(&whole[..end]).map(drop).ok();
    }
}
