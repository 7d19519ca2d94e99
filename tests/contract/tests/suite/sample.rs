//! Images to be changed and written by a second, naive writer that checks nothing: what it writes may lie, and where
//! it does not, the crate's own writer must give the same bytes.

use sci::digest::sha256;
use sci::header::{HEADER_BYTES, Kind, field};
use sci::layout::{PAGE, STACK_TOP};
use sci::list::List;
use sci::manifest::{
    Checkpoint, Class, Determinism, Entry, EntryKind, Exported, Identity, Import, LibraryExport, Manifest,
    Memory, Parameter, Pool, Provenance, Required, Restart, Schedule, SectionHash, SourcePlace, Tag,
};
use sci::section::{ENTRY_BYTES, SectionKind};
use sci::status::Fault;
use sci::vocabulary;
use sci::write::{self, SectionData, list_bytes};

/// Bytes of a sample's stack.
pub const STACK: u64 = 4 * PAGE;
/// Bytes of a sample's arena.
pub const ARENA: u64 = 1000;
/// First byte above the loaded sections.
pub const TOP: u64 = STACK_TOP - STACK - PAGE - PAGE;
/// Where bss lies.
pub const BSS: u64 = TOP - PAGE;
/// Where data lies.
pub const DATA: u64 = BSS - PAGE;
/// Where relro lies.
pub const RELRO: u64 = DATA - PAGE;
/// Where rodata lies.
pub const RODATA: u64 = RELRO - PAGE;
/// Where text lies.
pub const TEXT: u64 = RODATA - PAGE;

/// The secret seed that signs samples.
pub const SEED: [u8; 32] = [7; 32];

/// A section as its table entry says.
#[derive(Clone, Debug)]
pub struct RawSection {
    /// Its kind.
    pub kind: SectionKind,
    /// Where it is said to lie in memory.
    pub memory_offset: u64,
    /// How many bytes of memory it is said to have.
    pub memory_bytes: u64,
    /// Its bytes in the file.
    pub bytes: Vec<u8>,
}

/// Everything that an image says, owned and open to change.
#[derive(Clone, Debug)]
pub struct Sample {
    pub kind: Kind,
    pub form: u8,
    pub identity: Identity<'static>,
    pub entries: Vec<Entry<'static>>,
    pub required: Vec<Required<'static>>,
    pub exported: Vec<Exported<'static>>,
    pub imports: Vec<Import<'static>>,
    pub exports: Vec<LibraryExport<'static>>,
    pub memory: Memory,
    pub class: Class,
    pub priority: Option<u8>,
    pub passive: bool,
    pub callees: Vec<u32>,
    pub restart: Restart,
    pub checkpoint: Checkpoint,
    pub is_deterministic: bool,
    pub replay: Option<Vec<(u32, u8)>>,
    pub parameters: Vec<Parameter<'static>>,
    pub provenance: Provenance<'static>,
    pub sections: Vec<RawSection>,
    /// Stated in place of the true hashes.
    pub hashes: Option<Vec<SectionHash>>,
    /// Stands in place of the entries' encoding.
    pub raw_entries: Option<Vec<u8>>,
    /// Stands in place of the required capabilities' encoding.
    pub raw_required: Option<Vec<u8>>,
    /// Changes the manifest's encoding.
    pub mangle: Option<fn(&mut Vec<u8>)>,
}

/// A place in source.
pub const PLACE: SourcePlace<'static> = SourcePlace { file: "hello.in", line: 3, column: 14 };

/// A required capability of the vocabulary.
pub fn requires(name: &'static str, interface: &'static str, methods: u64) -> Required<'static> {
    let known = vocabulary::by_name(interface);
    Required {
        name,
        interface,
        hash: known.map_or([9; 32], vocabulary::interface_hash),
        methods,
        declared: methods,
        message: known.is_none_or(vocabulary::Interface::by_message),
        window_bytes: 0,
        place: PLACE,
    }
}

/// An entry in text.
pub fn entry(kind: EntryKind, name: &'static str, at: u64) -> Entry<'static> {
    Entry { kind, name, offset: TEXT + at, stack_bytes: 512 }
}

/// An import from the kernel.
pub fn import(item: &'static str, offset: u64) -> Import<'static> {
    Import { module: "kernel", item, signature: "(handle, frame)", capability: None, offset }
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn loaded(kind: SectionKind, memory_offset: u64, bytes: Vec<u8>) -> RawSection {
    RawSection { kind, memory_offset, memory_bytes: bytes.len() as u64, bytes }
}

fn unloaded(kind: SectionKind, bytes: Vec<u8>) -> RawSection {
    RawSection { kind, memory_offset: 0, memory_bytes: 0, bytes }
}

impl Sample {
    /// A component with every kind of section and every list but library exports.
    pub fn component() -> Self {
        let (sources, root) = write::sources(&[("hello.in", [5; 32]), ("words.in", [6; 32])]);
        let relocations = [RELRO + 16, RELRO + 24, DATA + 8];
        let relocations = relocations.iter().flat_map(|offset| (*offset as u32).to_le_bytes()).collect();
        let sections = vec![
            loaded(SectionKind::Text, TEXT, vec![0xcc; 64]),
            loaded(SectionKind::Rodata, RODATA, b"Hello from ring 3\n".to_vec()),
            loaded(SectionKind::Relro, RELRO, words(&[0, 0, RODATA, TEXT + 8])),
            loaded(SectionKind::Data, DATA, words(&[42, DATA])),
            RawSection { kind: SectionKind::Bss, memory_offset: BSS, memory_bytes: 100, bytes: Vec::new() },
            unloaded(SectionKind::Relocations, relocations),
            unloaded(SectionKind::Traps, write::traps(&[(4, Fault::Overflow), (20, Fault::Bounds)])),
            unloaded(SectionKind::Symbols, write::symbols(&[(0, 16, "_start"), (16, 48, "start")])),
            unloaded(SectionKind::Debug, b"debug".to_vec()),
            unloaded(
                SectionKind::SourceMap,
                write::source_map(&[(0, 0, 7, 1), (16, 1, 9, 5)], &["hello.in", "words.in"]),
            ),
            unloaded(SectionKind::Sources, sources),
        ];
        let mut console = requires("console", "DebugConsole", 0b001);
        console.declared = 0b101;
        console.window_bytes = PAGE as u32;
        Self {
            kind: Kind::Component,
            form: 0,
            identity: Identity { package: "demo.hello", name: "hello", version: "0.1.0" },
            entries: vec![
                entry(EntryKind::Start, "_start", 0),
                entry(EntryKind::Begin, "start", 16),
                entry(EntryKind::Method(0, 0), "counter.add", 24),
                entry(EntryKind::Method(0, 1), "counter.get", 32),
                entry(EntryKind::Interrupt(3), "ticked", 40),
            ],
            required: vec![console, requires("clock", "Clock", 1)],
            exported: vec![Exported {
                name: "counter",
                interface: "Counter",
                hash: [3; 32],
                methods: 0b11,
                capabilities: 0b10,
                window_bytes: 0,
            }],
            imports: vec![
                Import { capability: Some(0), ..import("ipc_call", RELRO) },
                import("thread_control", RELRO + 8),
            ],
            exports: Vec::new(),
            memory: Memory {
                stack_bytes: STACK,
                stack_tag: Tag::Exact,
                state_bytes: 116,
                arena_bytes: ARENA,
                buffer_bytes: 0,
                linear: None,
                pool: Pool { threads: 1, capabilities: 8, mappings: 2 },
            },
            class: Class::Application,
            priority: Some(20),
            passive: false,
            callees: vec![0],
            restart: Restart::OnFault,
            checkpoint: Checkpoint::None,
            is_deterministic: false,
            replay: None,
            parameters: vec![
                Parameter { name: "limit", default: 10 },
                Parameter { name: "step", default: u64::MAX },
            ],
            provenance: Provenance {
                compiler: "space 0.1.0",
                front_end: "in",
                sources: root,
                flags: "debug",
            },
            sections,
            hashes: None,
            raw_entries: None,
            raw_required: None,
            mangle: None,
        }
    }

    /// The smallest component: a page of head and one of text.
    pub fn smallest() -> Self {
        let mut sample = Self::component();
        sample.sections.truncate(1);
        sample.entries.truncate(1);
        sample.memory.state_bytes = 0;
        sample.imports.clear();
        sample.exported.clear();
        sample
    }

    /// A guest, whose ways in are not entries of the manifest.
    pub fn guest() -> Self {
        let mut sample = Self::component();
        sample.kind = Kind::Guest;
        sample.entries.clear();
        sample.required.clear();
        sample.exported.clear();
        sample.callees.clear();
        sample.imports[0].capability = None;
        sample
    }

    /// A library with two functions.
    pub fn library() -> Self {
        let mut sample = Self::component();
        sample.kind = Kind::Library;
        sample.entries.clear();
        sample.required.clear();
        sample.exported.clear();
        sample.callees.clear();
        sample.imports[0].capability = None;
        let function =
            |item, at| LibraryExport { item, signature: "(i64) -> i64", offset: TEXT + at, stack_bytes: 64 };
        sample.exports = vec![function("hash", 0), function("mix", 16)];
        sample
    }

    /// The section of a kind.
    pub fn section(&mut self, kind: SectionKind) -> &mut RawSection {
        self.sections.iter_mut().find(|section| section.kind == kind).expect("the sample has it")
    }

    /// Leaves a section out.
    pub fn remove(&mut self, kind: SectionKind) {
        self.sections.retain(|section| section.kind != kind);
    }

    /// Leaves relro and data and what refers to them out.
    pub fn without_words(&mut self) {
        self.imports.clear();
        for kind in [SectionKind::Relro, SectionKind::Data, SectionKind::Relocations] {
            self.remove(kind);
        }
        self.memory.state_bytes = 100;
    }

    /// Sets the relocations, in this order.
    pub fn relocate(&mut self, offsets: &[u64]) {
        self.section(SectionKind::Relocations).bytes =
            offsets.iter().flat_map(|offset| (*offset as u32).to_le_bytes()).collect();
    }

    /// Calls `use_it` with the manifest; `hashes` are the sections' own unless the sample states others.
    pub fn with_manifest<R>(&self, use_it: impl FnOnce(&Manifest<'_>) -> R) -> R {
        let hashes = self.hashes.clone().unwrap_or_else(|| {
            let with_bytes = self.sections.iter().filter(|section| section.kind != SectionKind::Bss);
            with_bytes
                .map(|section| SectionHash { kind: section.kind as u32, sha256: sha256(&section.bytes) })
                .collect()
        });
        let replay = self.replay.as_deref().map(list_bytes).unwrap_or_default();
        let deterministic = match (self.is_deterministic, &self.replay) {
            (true, _) => Determinism::Yes,
            (false, Some(_)) => Determinism::Replay(List::new(&replay)),
            (false, None) => Determinism::None,
        };
        let entries = self.raw_entries.clone().unwrap_or_else(|| list_bytes(&self.entries));
        let required = self.raw_required.clone().unwrap_or_else(|| list_bytes(&self.required));
        let (exported, imports) = (list_bytes(&self.exported), list_bytes(&self.imports));
        let (exports, callees) = (list_bytes(&self.exports), list_bytes(&self.callees));
        let (parameters, hashes) = (list_bytes(&self.parameters), list_bytes(&hashes));
        use_it(&Manifest {
            identity: self.identity,
            entries: List::new(&entries),
            required: List::new(&required),
            exported: List::new(&exported),
            imports: List::new(&imports),
            exports: List::new(&exports),
            schemas: None,
            memory: self.memory,
            schedule: Schedule {
                class: self.class,
                priority: self.priority,
                period: None,
                budget: None,
                deadline: None,
                affinity: None,
                passive: self.passive,
                fuel: None,
                callees: List::new(&callees),
            },
            restart: self.restart,
            checkpoint: self.checkpoint,
            deterministic,
            migration: None,
            compute: None,
            parameters: List::new(&parameters),
            provenance: self.provenance,
            section_hashes: List::new(&hashes),
        })
    }

    /// The sections as the crate's writer takes them.
    pub fn section_data(&self) -> Vec<SectionData> {
        let data = |section: &RawSection| SectionData {
            kind: section.kind,
            memory_offset: section.memory_offset,
            bss_bytes: section.memory_bytes,
            bytes: section.bytes.clone(),
        };
        self.sections.iter().map(data).collect()
    }

    /// The image by the crate's writer.
    pub fn written(&self) -> Result<Vec<u8>, sci::error::Error> {
        self.with_manifest(|manifest| write::image(self.kind, manifest, &self.section_data()))
    }

    /// The image by the naive writer, unsigned.
    pub fn bytes(&self) -> Vec<u8> {
        let mut manifest = self
            .with_manifest(|manifest| postcard::to_allocvec(manifest))
            .expect("memory takes any manifest");
        if let Some(mangle) = self.mangle {
            mangle(&mut manifest);
        }
        let table_end = HEADER_BYTES + self.sections.len() as u64 * ENTRY_BYTES;
        let mut bytes = vec![0; table_end as usize];
        bytes.extend_from_slice(&manifest);
        for (section, at) in self.sections.iter().zip((HEADER_BYTES..).step_by(ENTRY_BYTES as usize)) {
            bytes.resize(bytes.len().next_multiple_of(PAGE as usize), 0);
            let offset = if section.kind == SectionKind::Bss { 0 } else { bytes.len() as u32 };
            put32(&mut bytes, at, section.kind as u32);
            put32(&mut bytes, at + 8, offset);
            put32(&mut bytes, at + 12, section.bytes.len() as u32);
            put64(&mut bytes, at + 16, section.memory_offset);
            put64(&mut bytes, at + 24, section.memory_bytes);
            bytes.extend_from_slice(&section.bytes);
        }
        bytes.resize(bytes.len().next_multiple_of(PAGE as usize), 0);
        put(&mut bytes, field::MAGIC, b"\x7fSCI\r\n\x1a\n");
        put(&mut bytes, field::VERSION, &[1, 0]);
        put(&mut bytes, field::MACHINE, &[1, 0]);
        let kind = match self.kind {
            Kind::Component => 1,
            Kind::Guest => 2,
            Kind::Library => 3,
        };
        put(&mut bytes, field::KIND, &[kind]);
        put(&mut bytes, field::FORM, &[self.form]);
        let total = bytes.len() as u64;
        put64(&mut bytes, field::TOTAL, total);
        put32(&mut bytes, field::TABLE, HEADER_BYTES as u32);
        put32(&mut bytes, field::SECTION_COUNT, self.sections.len() as u32);
        put32(&mut bytes, field::MANIFEST, table_end as u32);
        put32(&mut bytes, field::MANIFEST_BYTES, manifest.len() as u32);
        bytes
    }

    /// The image, signed by the development key [`SEED`].
    pub fn signed(&self) -> Vec<u8> {
        write::sign_image(&self.bytes(), &SEED, true).expect("the sample verifies")
    }
}

/// Overwrites bytes.
pub fn put(bytes: &mut [u8], offset: u64, value: &[u8]) {
    bytes[offset as usize..offset as usize + value.len()].copy_from_slice(value);
}

/// Overwrites a `u32`.
pub fn put32(bytes: &mut [u8], offset: u64, value: u32) {
    put(bytes, offset, &value.to_le_bytes());
}

/// Overwrites a `u64`.
pub fn put64(bytes: &mut [u8], offset: u64, value: u64) {
    put(bytes, offset, &value.to_le_bytes());
}

/// Reads a `u32`.
pub fn get32(bytes: &[u8], offset: u64) -> u32 {
    let word = &bytes[offset as usize..offset as usize + 4];
    u32::from_le_bytes(word.try_into().expect("four bytes"))
}

/// Offset of the table entry of the section of an index.
pub const fn table(index: u64) -> u64 {
    HEADER_BYTES + index * ENTRY_BYTES
}
