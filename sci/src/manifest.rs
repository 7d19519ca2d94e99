//! The manifest: everything a loader must know before it runs an instruction.
//!
//! Encoded with postcard, each field in declaration order. A manifest has one encoding: integers are not
//! padded, lists are ordered by the rules given at each, nothing trails. Fields whose meaning comes later are
//! reserved and encoded absent.

use crate::list::{List, ascends};
use serde::{Deserialize, Serialize};

/// A value that no version-1 manifest has: the field is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reserved {}

/// The manifest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest<'a> {
    /// Who it is.
    #[serde(borrow)]
    pub identity: Identity<'a>,
    /// Where control enters, ascending by kind: `start` first.
    #[serde(borrow)]
    pub entries: List<'a, Entry<'a>>,
    /// Capabilities it requires; the index is the slot of the start page. A library's are those that its user must hold.
    #[serde(borrow)]
    pub required: List<'a, Required<'a>>,
    /// Interfaces it exports; the index is the export number in badges.
    #[serde(borrow)]
    pub exported: List<'a, Exported<'a>>,
    /// Slots that the loader binds, ordered by offset.
    #[serde(borrow)]
    pub imports: List<'a, Import<'a>>,
    /// Functions that a library offers, or a guest's ways in, ordered by name.
    #[serde(borrow)]
    pub exports: List<'a, LibraryExport<'a>>,
    /// Object schemas: reserved.
    pub schemas: Option<Reserved>,
    /// Memory it needs.
    pub memory: Memory,
    /// How it wants to be scheduled: a request, clamped by policy.
    #[serde(borrow)]
    pub schedule: Schedule<'a>,
    /// What to do when it stops: a request.
    pub restart: Restart,
    /// Whether it can be checkpointed.
    pub checkpoint: Checkpoint,
    /// What it says of its determinism.
    #[serde(borrow)]
    pub deterministic: Determinism<'a>,
    /// Migration: reserved.
    pub migration: Option<Reserved>,
    /// Compute: reserved.
    pub compute: Option<Reserved>,
    /// Parameters and their defaults, in order.
    #[serde(borrow)]
    pub parameters: List<'a, Parameter<'a>>,
    /// Where it comes from: shown, never authority.
    #[serde(borrow)]
    pub provenance: Provenance<'a>,
    /// SHA-256 of each section's bytes in the file, in the table's order.
    #[serde(borrow)]
    pub section_hashes: List<'a, SectionHash>,
}

/// Who a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity<'a> {
    /// Dotted package path; may be empty.
    pub package: &'a str,
    /// Component name.
    pub name: &'a str,
    /// Semantic version.
    pub version: &'a str,
}

/// What an entry is for; entries stand in this order, each kind once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntryKind {
    /// Where the main thread begins; it gets the start page's address.
    Start,
    /// The component's `start` function, as an activation.
    Begin,
    /// A method of an export: export number, method number.
    Method(u32, u32),
    /// An interrupt: its notification bit.
    Interrupt(u32),
}

/// Where control enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// What it is for.
    pub kind: EntryKind,
    /// Name, for people.
    pub name: &'a str,
    /// Offset from the slab's base.
    pub offset: u64,
    /// Stack bound in bytes of what runs from here.
    pub stack_bytes: u64,
}

/// Whose word a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tag {
    /// The compiler proved it.
    Exact,
    /// The author declared it.
    Declared,
    /// A run measured it.
    Measured,
}

/// A place in source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePlace<'a> {
    /// File, relative to the project.
    pub file: &'a str,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// A required capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required<'a> {
    /// Name in the source; unique.
    pub name: &'a str,
    /// Interface name.
    pub interface: &'a str,
    /// Interface hash.
    pub hash: [u8; 32],
    /// Methods that reachable code uses: the request.
    pub methods: u64,
    /// Methods that the source declares.
    pub declared: u64,
    /// Whether messages carry it out.
    pub message: bool,
    /// Bytes of window, 0 for none.
    pub window_bytes: u32,
    /// The source that needs it.
    #[serde(borrow)]
    pub place: SourcePlace<'a>,
}

/// An exported interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported<'a> {
    /// Name in the source; unique.
    pub name: &'a str,
    /// Interface name.
    pub interface: &'a str,
    /// Interface hash.
    pub hash: [u8; 32],
    /// Methods that it carries out.
    pub methods: u64,
    /// Required capabilities that its methods use, by slot: the per-export capability mask.
    pub capabilities: u64,
    /// Bytes of window that a client needs, 0 for none.
    pub window_bytes: u32,
}

/// A slot that the loader binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import<'a> {
    /// Module: `kernel`, or a library's.
    pub module: &'a str,
    /// Function.
    pub item: &'a str,
    /// Signature, such as `(handle, frame) -> (status, value)`.
    pub signature: &'a str,
    /// The capability slot that its calls need, where it is one.
    pub capability: Option<u32>,
    /// Offset from the slab's base of the 8-byte word, in relro.
    pub offset: u64,
}

/// A function that a library or a guest offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryExport<'a> {
    /// Function.
    pub item: &'a str,
    /// Signature.
    pub signature: &'a str,
    /// Offset from the slab's base.
    pub offset: u64,
    /// Stack bound in bytes.
    pub stack_bytes: u64,
}

/// Memory that a component needs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Stack of the main thread.
    pub stack_bytes: u64,
    /// Whose word the stack's size is.
    pub stack_tag: Tag,
    /// State: data and bss.
    pub state_bytes: u64,
    /// Arena of one activation.
    pub arena_bytes: u64,
    /// Linear buffers at most.
    pub buffer_bytes: u64,
    /// Linear memory 0 of a guest, where it is the guest's own.
    pub linear: Option<Linear>,
    /// Kernel objects.
    pub pool: Pool,
}

/// A linear memory, in pages of 64 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// Pages at the beginning.
    pub minimum_pages: u32,
    /// Pages at most; at most 65,536.
    pub maximum_pages: u32,
}

/// The kernel pool that a realm brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Threads.
    pub threads: u32,
    /// Capability slots.
    pub capabilities: u32,
    /// Mappings besides the image's own.
    pub mappings: u32,
}

/// Scheduling class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// Ordinary.
    Application,
    /// Serves devices.
    Driver,
}

/// How a component wants to be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule<'a> {
    /// Class.
    pub class: Class,
    /// Priority, if the source states one.
    pub priority: Option<u8>,
    /// Period in nanoseconds: reserved.
    pub period: Option<Reserved>,
    /// Budget in nanoseconds: reserved.
    pub budget: Option<Reserved>,
    /// Deadline in nanoseconds: reserved.
    pub deadline: Option<Reserved>,
    /// CPUs it may run on: reserved.
    pub affinity: Option<Reserved>,
    /// Whether it runs only on its callers' budgets.
    pub passive: bool,
    /// Fuel bound: reserved.
    pub fuel: Option<Reserved>,
    /// Slots of the interfaces that it calls, ascending.
    #[serde(borrow)]
    pub callees: List<'a, u32>,
}

/// What to do when a component stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Leave it.
    Never,
    /// Run it again after a fault.
    OnFault,
    /// Run it again whatever happened.
    Always,
}

/// Whether a component can be checkpointed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checkpoint {
    /// No.
    None,
    /// When asked.
    OnRequest,
}

/// What a component says of its determinism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Determinism<'a> {
    /// Nothing.
    None,
    /// Its results depend on its inputs alone.
    Yes,
    /// The answers of these methods are logged: slot and method, ascending.
    #[serde(borrow)]
    Replay(List<'a, (u32, u8)>),
}

/// A start parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter<'a> {
    /// Name; unique.
    pub name: &'a str,
    /// Value unless the launcher gives one.
    pub default: u64,
}

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance<'a> {
    /// Compiler and version.
    pub compiler: &'a str,
    /// Front end: `in`, `wasm`, `rust`.
    pub front_end: &'a str,
    /// Merkle root of the sources.
    pub sources: [u8; 32],
    /// Flags, separated by spaces, in order.
    pub flags: &'a str,
}

/// The hash of a section's bytes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionHash {
    /// Number of the section's kind.
    pub kind: u32,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Manifest<'_> {
    /// Whether each list is in its one encoding: elements canonical, and in order where no rule of the contract
    /// orders them.
    pub(crate) fn lists_are_canonical(&self) -> bool {
        let replay = match &self.deterministic {
            Determinism::Replay(list) => list.is_canonical() && ascends(list.iter()),
            Determinism::None | Determinism::Yes => true,
        };
        self.entries.is_canonical()
            && self.required.is_canonical()
            && self.exported.is_canonical()
            && self.imports.is_canonical()
            && self.exports.is_canonical()
            && self.schedule.callees.is_canonical()
            && self.parameters.is_canonical()
            && self.section_hashes.is_canonical()
            && replay
            && ascends(self.entries.iter().map(|entry| entry.kind))
    }
}
