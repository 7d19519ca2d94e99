//! Machine code wrapped into images: no compiler, so they may do what no compiled component does.

use sci::header::Kind;
use sci::layout::{PAGE, STACK_TOP};
use sci::list::List;
use sci::manifest::{
    Checkpoint, Class, Determinism, Entry, EntryKind, Exported, Identity, Import, Manifest, Memory, Pool,
    Provenance, Required, Restart, Schedule, SourcePlace, Tag,
};
use sci::section::SectionKind;
use sci::vocabulary;
use sci::write::{SectionData, image_unchecked, list_bytes};

/// Bytes of a raw component's stack.
pub const STACK_BYTES: u64 = 4 * PAGE;
/// Where a raw component's bss page lies.
pub const BSS: u64 = STACK_TOP - STACK_BYTES - 2 * PAGE;
/// Where its data page lies.
pub const DATA: u64 = BSS - PAGE;
/// Where its relro page lies.
pub const RELRO: u64 = DATA - PAGE;
/// Where its text page lies.
pub const TEXT: u64 = RELRO - PAGE;

/// An interface that an image requires or exports.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// Its name.
    pub interface: &'static str,
    /// Methods.
    pub methods: u64,
    /// Bytes of window.
    pub window: u32,
}

/// One image: at most a page of code that begins at its first byte, and what its manifest says.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The component's name.
    pub name: String,
    /// Its text.
    pub code: Vec<u8>,
    /// Capabilities that it requires.
    pub required: Vec<Face>,
    /// Interfaces that it exports.
    pub exported: Vec<Face>,
    /// Slots: module, function, offset from the slab's base.
    pub slots: Vec<(&'static str, &'static str, u64)>,
    /// Where its data lies, and what it is.
    pub data: (u64, Vec<u8>),
    /// Where bss is said to lie.
    pub bss: u64,
    /// Base-relative words, as offsets from the slab's base.
    pub relocations: Vec<u32>,
}

impl Raw {
    /// A component that may write to the console, as its capability 0.
    pub fn new(name: &str, code: &[u8]) -> Self {
        let console = Face { interface: "DebugConsole", methods: 1, window: 4096 };
        Self {
            name: name.to_owned(),
            code: code.to_vec(),
            required: vec![console],
            exported: Vec::new(),
            slots: Vec::new(),
            data: (DATA, vec![0xc3; PAGE as usize]),
            bss: BSS,
            relocations: Vec::new(),
        }
    }

    /// The same with a further required capability.
    #[must_use]
    pub fn requires(mut self, interface: &'static str, methods: u64) -> Self {
        self.required.push(Face { interface, methods, window: 0 });
        self
    }

    /// The same with an export of one method.
    #[must_use]
    pub fn exports(mut self, interface: &'static str) -> Self {
        self.exported.push(Face { interface, methods: 1, window: 0 });
        self
    }

    /// The image, unsigned, whatever it says.
    pub fn build(&self) -> Vec<u8> {
        assert!(self.code.len() as u64 <= PAGE, "{}: the code fits a page", self.name);
        let names: Vec<String> = (0..16).map(|number| format!("c{number}")).collect();
        let hash =
            |interface: &str| vocabulary::by_name(interface).map_or([1; 32], vocabulary::interface_hash);
        let required: Vec<Required<'_>> = self
            .required
            .iter()
            .zip(&names)
            .map(|(face, name)| Required {
                name,
                interface: face.interface,
                hash: hash(face.interface),
                methods: face.methods,
                declared: face.methods,
                message: vocabulary::by_name(face.interface).is_none_or(vocabulary::Interface::by_message),
                window_bytes: face.window,
                place: SourcePlace { file: "raw.s", line: 1, column: 1 },
            })
            .collect();
        let start = Entry { kind: EntryKind::Start, name: "start", offset: TEXT, stack_bytes: STACK_BYTES };
        let mut entries = vec![start];
        let exported: Vec<Exported<'_>> = self
            .exported
            .iter()
            .zip(&names)
            .zip(0..)
            .map(|((face, name), number)| {
                entries.push(Entry { kind: EntryKind::Method(number, 0), name: "method", ..start });
                Exported {
                    name,
                    interface: face.interface,
                    hash: hash(face.interface),
                    methods: face.methods,
                    capabilities: 0,
                    window_bytes: face.window,
                }
            })
            .collect();
        let imports: Vec<Import<'_>> = self
            .slots
            .iter()
            .map(|(module, item, offset)| Import {
                module,
                item,
                signature: "()",
                capability: None,
                offset: *offset,
            })
            .collect();
        let (entries, required) = (list_bytes(&entries), list_bytes(&required));
        let (exported, imports) = (list_bytes(&exported), list_bytes(&imports));
        let manifest = Manifest {
            identity: Identity { package: "hostile", name: &self.name, version: "0.1.0" },
            entries: List::new(&entries),
            required: List::new(&required),
            exported: List::new(&exported),
            imports: List::new(&imports),
            exports: List::default(),
            schemas: None,
            memory: Memory {
                stack_bytes: STACK_BYTES,
                stack_tag: Tag::Declared,
                state_bytes: self.data.1.len() as u64 + PAGE,
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
            provenance: Provenance { compiler: "by hand", front_end: "hand", sources: [0; 32], flags: "" },
            section_hashes: List::default(),
        };
        image_unchecked(Kind::Component, &manifest, &self.sections())
    }

    fn sections(&self) -> Vec<SectionData> {
        let page = |kind, memory_offset, bytes| SectionData { kind, memory_offset, bss_bytes: 0, bytes };
        let mut code = self.code.clone();
        // What follows the code stops whoever runs into it.
        code.resize(PAGE as usize, 0xcc);
        let mut relro = vec![0; PAGE as usize];
        if !self.relocations.is_empty() {
            // Words that a relocation may name: they hold an offset within the image.
            relro[8..16].copy_from_slice(&TEXT.to_le_bytes());
            relro[24..32].copy_from_slice(&TEXT.to_le_bytes());
        }
        let mut sections = vec![
            page(SectionKind::Text, TEXT, code),
            page(SectionKind::Relro, RELRO, relro),
            page(SectionKind::Data, self.data.0, self.data.1.clone()),
            SectionData {
                kind: SectionKind::Bss,
                memory_offset: self.bss,
                bss_bytes: PAGE,
                bytes: Vec::new(),
            },
        ];
        if !self.relocations.is_empty() {
            let bytes = self.relocations.iter().flat_map(|offset| offset.to_le_bytes()).collect();
            sections.push(page(SectionKind::Relocations, 0, bytes));
        }
        sections
    }
}
