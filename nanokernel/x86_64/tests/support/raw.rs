//! Machine code wrapped into signed images and a boot module, and the run of it in QEMU.

use sci::header::Kind;
use sci::layout::{PAGE, STACK_TOP};
use sci::list::List;
use sci::manifest::{
    Checkpoint, Class, Determinism, Entry, EntryKind, Exported, Identity, Manifest, Memory, Pool, Provenance,
    Required, Restart, Schedule, SourcePlace, Tag,
};
use sci::section::SectionKind;
use sci::vocabulary;
use sci::write::{ImageData, SectionData, Signer, bundle, image, list_bytes, policy};

const STACK_BYTES: u64 = 4 * PAGE;
const SEED: [u8; 32] = [7; 32];

/// An interface that an image requires or exports.
pub struct Wanted {
    /// Its name.
    pub interface: String,
    /// Methods; all of a vocabulary interface if not given.
    pub mask: Option<u64>,
    /// Bytes of window.
    pub window: u32,
}

/// One image: code that begins at its first byte, and what its manifest says.
pub struct Raw {
    /// The component's name.
    pub name: String,
    /// Its text.
    pub code: Vec<u8>,
    /// Capabilities that it requires.
    pub wanted: Vec<Wanted>,
    /// Interfaces that it exports.
    pub exported: Vec<Wanted>,
}

/// The boot module of some images; the first is root.
pub fn module(images: Vec<Raw>) -> Vec<u8> {
    let images: Vec<ImageData> = images
        .into_iter()
        .map(|raw| {
            let bytes = build(&raw.name, raw.code, &raw.wanted, &raw.exported);
            ImageData { name: raw.name, bytes, library: None }
        })
        .collect();
    let signer = Signer { seed: &SEED, development: true };
    let mut module = policy(true, &[(sci::sign::public_key(&SEED), true)]);
    module.extend(bundle(&images, &[], Some(signer)).expect("the images verify"));
    module
}

fn build(name: &str, code: Vec<u8>, wanted: &[Wanted], exported: &[Wanted]) -> Vec<u8> {
    let text_bytes = (code.len() as u64).next_multiple_of(PAGE);
    // One page of data, so that a realm has something to write.
    let data_at = STACK_TOP - STACK_BYTES - PAGE - PAGE;
    let text_at = data_at - text_bytes;
    let hash = |interface: &str| vocabulary::by_name(interface).map_or([0; 32], vocabulary::interface_hash);
    let required: Vec<Required<'_>> = wanted
        .iter()
        .zip(NAMES)
        .map(|(one, name)| {
            let known = vocabulary::by_name(&one.interface);
            let methods =
                one.mask.unwrap_or_else(|| known.map_or(u64::MAX, vocabulary::Interface::full_mask));
            Required {
                name,
                interface: &one.interface,
                hash: hash(&one.interface),
                methods,
                declared: methods,
                message: known.is_none_or(vocabulary::Interface::by_message),
                window_bytes: one.window,
                place: SourcePlace { file: "raw.in", line: 1, column: 1 },
            }
        })
        .collect();
    let start = Entry { kind: EntryKind::Start, name: "start", offset: text_at, stack_bytes: STACK_BYTES };
    let mut entries = vec![start];
    let exports: Vec<Exported<'_>> = exported
        .iter()
        .zip(NAMES)
        .zip(0..)
        .map(|((one, name), number)| {
            let methods = one.mask.unwrap_or(1);
            entries.extend((0..64).filter(|method| methods >> method & 1 == 1).map(|method| Entry {
                kind: EntryKind::Method(number, method),
                name: "method",
                ..start
            }));
            Exported {
                name,
                interface: &one.interface,
                hash: hash(&one.interface),
                methods,
                capabilities: 0,
                window_bytes: one.window,
            }
        })
        .collect();
    let entries = list_bytes(&entries);
    let required = list_bytes(&required);
    let exports = list_bytes(&exports);
    let manifest = Manifest {
        identity: Identity { package: "raw", name, version: "0.1.0" },
        entries: List::new(&entries),
        required: List::new(&required),
        exported: List::new(&exports),
        imports: List::default(),
        exports: List::default(),
        schemas: None,
        memory: Memory {
            stack_bytes: STACK_BYTES,
            stack_tag: Tag::Declared,
            state_bytes: PAGE,
            arena_bytes: 0,
            buffer_bytes: 0,
            linear: None,
            pool: Pool { threads: 1, capabilities: 64, mappings: 0 },
        },
        schedule: Schedule {
            class: Class::Application,
            priority: None,
            period: None,
            budget: None,
            deadline: None,
            affinity: None,
            passive: false,
            fuel: None,
            callees: List::default(),
        },
        restart: Restart::Never,
        checkpoint: Checkpoint::None,
        deterministic: Determinism::None,
        migration: None,
        compute: None,
        parameters: List::default(),
        provenance: Provenance { compiler: "raw-bundle 1", front_end: "hand", sources: [0; 32], flags: "" },
        section_hashes: List::default(),
    };
    let sections = [
        SectionData { kind: SectionKind::Text, memory_offset: text_at, bss_bytes: 0, bytes: code },
        SectionData { kind: SectionKind::Bss, memory_offset: data_at, bss_bytes: PAGE, bytes: Vec::new() },
    ];
    image(Kind::Component, &manifest, &sections).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const NAMES: [&str; 16] =
    ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12", "c13", "c14", "c15"];
