//! The contract: what holds of every image beyond the form of its bytes.
//!
//! One table serves the compiler, `space check`, and the kernel's admission. A rule is a sentence and a
//! function; [`crate::image::Image::verify`] runs them all, in order, and names the first that does not hold. A
//! rule says one thing only: it holds where another rule's subject is missing.

use crate::hashes;
use crate::header::{Form, Kind};
use crate::image::Image;
use crate::layout::{PAGE, STACK_TOP};
use crate::limits;
use crate::list::{List, ascends};
use crate::manifest::{Determinism, EntryKind, Required};
use crate::section::{Section, SectionKind};
use crate::syscall;
use crate::vocabulary::{self, Interface};

/// What a rule says.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// Short kebab-case name.
    pub name: &'static str,
    /// What holds, one sentence.
    pub sentence: &'static str,
}

/// How a rule is checked, apart from what it says: the kernel has no use for the sentences.
pub(crate) struct Check {
    /// Whether it holds.
    pub holds: fn(&Image<'_>) -> bool,
    /// Whether it looks at each relocation: the kernel does that in parts.
    pub in_parts: bool,
}

macro_rules! in_parts {
    () => {
        false
    };
    (in_parts) => {
        true
    };
}

macro_rules! rules {
    ($($id:literal $name:literal $check:ident $($parts:ident)? $sentence:literal;)+) => {
        /// Every rule, in the order of their ids.
        pub const RULES: &[Rule] = &[$(Rule { id: $id, name: $name, sentence: $sentence }),+];
        /// Id and name of each of [`RULES`].
        pub(crate) const NAMES: &[&str] = &[$(concat!($id, " ", $name)),+];
        /// How each of [`RULES`] is checked.
        pub(crate) const CHECKS: &[Check] = &[$(Check { holds: $check, in_parts: in_parts!($($parts)?) }),+];
    };
}

rules! {
    "SCI-C001" "has-text" has_text
        "An image has a text section with code.";
    "SCI-C002" "sections-page-aligned" sections_page_aligned
        "Loaded sections begin at page boundaries of the slab.";
    "SCI-C003" "section-fills-memory" section_fills_memory
        "A loaded section's file bytes fit its memory, and only bss has more memory than file.";
    "SCI-C004" "sections-disjoint" sections_disjoint
        "Loaded sections do not share a page of the slab.";
    "SCI-C005" "inside-slab" inside_slab
        "The image, its stack and its guard page lie below the stack's top in the slab's image part.";
    "SCI-C006" "unloaded-not-mapped" unloaded_not_mapped
        "A section that is not loaded has no memory.";
    "SCI-C007" "identity-named" identity_named
        "A component has a name, and its version is a semantic version.";
    "SCI-C008" "one-start" one_start
        "A component has exactly one start entry, and it stands first; a guest or a library has none.";
    "SCI-C009" "entries-in-text" entries_in_text
        "Every entry lies in text.";
    "SCI-C010" "entry-stack-fits" entry_stack_fits
        "No entry needs more stack than the component has.";
    "SCI-C011" "stack-bounded" stack_bounded
        "The stack is whole pages, at least one, and within the limit.";
    "SCI-C012" "text-not-writable" text_not_writable in_parts
        "No relocation or slot lies in text or rodata.";
    "SCI-C013" "slots-in-relro" slots_in_relro
        "Every slot is an aligned word of relro.";
    "SCI-C014" "slots-ordered" slots_ordered
        "Slots are ordered by offset, each once.";
    "SCI-C015" "slot-content-zero" slot_content_zero
        "A slot's word in the file is zero.";
    "SCI-C016" "kernel-imports-known" kernel_imports_known
        "Every import from the kernel is in the system-call table.";
    "SCI-C017" "import-capability-known" import_capability_known
        "The capability that an import needs is one of the required ones.";
    "SCI-C018" "relocations-aligned" relocations_aligned in_parts
        "Relocations are aligned words of relro or data, ordered, each once, and whole in number.";
    "SCI-C019" "relocations-inside" relocations_inside in_parts
        "A relocated word points into the image.";
    "SCI-C020" "capabilities-limited" capabilities_limited
        "The numbers of capabilities, exports, imports and parameters are within their limits.";
    "SCI-C021" "names-well-formed" names_well_formed
        "Names of capabilities, exports and parameters are not empty, within the limit, and unique.";
    "SCI-C022" "used-within-declared" used_within_declared
        "No capability uses a method that the source does not declare.";
    "SCI-C023" "methods-exist" methods_exist
        "A mask over an interface of the vocabulary names only its methods.";
    "SCI-C024" "vocabulary-hash" vocabulary_hash
        "An interface of the vocabulary has the vocabulary's hash.";
    "SCI-C025" "message-consistent" message_consistent
        "Whether messages carry a vocabulary interface out is the vocabulary's word.";
    "SCI-C026" "windows-limited" windows_limited
        "Windows are whole pages within the limit.";
    "SCI-C027" "export-capabilities-known" export_capabilities_known
        "An export's capability mask names only required capabilities.";
    "SCI-C028" "export-methods-served" export_methods_served
        "An exported method has an entry, and an entry a method.";
    "SCI-C029" "deterministic-holds" deterministic_holds
        "A deterministic component uses no method that depends on more than its inputs.";
    "SCI-C030" "priority-below-root" priority_below_root
        "A priority is below the one that is kept for root.";
    "SCI-C031" "callees-known" callees_known
        "Callees are required message capabilities, ascending.";
    "SCI-C032" "provenance-present" provenance_present
        "The provenance names a compiler and a front end.";
    "SCI-C033" "every-section-hashed" every_section_hashed
        "Every section that has bytes has a hash, in the table's order.";
    "SCI-C034" "exports-by-kind" exports_by_kind
        "A component offers no functions; a library offers some and exports no interface; a guest has neither interfaces nor capabilities.";
    "SCI-C035" "functions-in-text" functions_in_text
        "The functions that an image offers lie in its text, ordered by name.";
    "SCI-C036" "pool-limited" pool_limited
        "The kernel pool has a thread, a slot for each capability, and is within its limits.";
    "SCI-C037" "state-stated" state_stated
        "The stated state is the size of data and bss.";
    "SCI-C038" "slab-form" slab_form
        "The image is in slab form; the dense form has no loader yet.";
}

fn loaded<'a>(image: &Image<'a>) -> impl Iterator<Item = Section> + use<'a> {
    image.sections().filter(|section| section.kind.is_loaded())
}

fn kind_at(image: &Image<'_>, offset: u64) -> Option<SectionKind> {
    image.section_at(offset).map(|section| section.kind)
}

/// Whether a function may begin at an offset; that there is text is another rule.
fn in_text(image: &Image<'_>, offset: u64) -> bool {
    kind_at(image, offset) == Some(SectionKind::Text) || image.section(SectionKind::Text).is_none()
}

/// Whether an aligned word lies in a section of one of the kinds, whole.
fn is_word_of(image: &Image<'_>, offset: u64, kinds: &[SectionKind]) -> bool {
    offset.is_multiple_of(8)
        && image.section_at(offset).is_some_and(|section| {
            kinds.contains(&section.kind) && section.memory_bytes - (offset - section.memory_offset) >= 8
        })
}

fn word(image: &Image<'_>, offset: u64) -> Option<u64> {
    let section = image.section_at(offset)?;
    crate::bytes::u64_at(image.section_bytes(&section), offset - section.memory_offset).ok()
}

/// Whether a name may stand in an image: not empty, within the limit, without control characters.
pub fn well_formed(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::NAME_BYTES_MAX as usize && !name.chars().any(char::is_control)
}

/// The most names that a list may have.
const NAMES_KEPT: usize = 64;
const _: () = assert!(
    limits::CAPABILITIES_MAX as usize <= NAMES_KEPT
        && limits::EXPORTS_MAX as usize <= NAMES_KEPT
        && limits::PARAMETERS_MAX as usize <= NAMES_KEPT
);

fn unique(names: &mut dyn Iterator<Item = &str>) -> bool {
    // To read an element is dear, and the kernel has a bound: names that were read are kept. That there are no more is
    // another rule.
    let mut seen = [""; NAMES_KEPT];
    names.take(NAMES_KEPT).enumerate().all(|(at, name)| {
        let is_new = !seen[..at].contains(&name);
        seen[at] = name;
        is_new && well_formed(name)
    })
}

fn has_text(image: &Image<'_>) -> bool {
    image.section(SectionKind::Text).is_some()
}

fn sections_page_aligned(image: &Image<'_>) -> bool {
    loaded(image).all(|section| section.memory_offset.is_multiple_of(PAGE))
}

fn section_fills_memory(image: &Image<'_>) -> bool {
    loaded(image).all(|section| {
        section.memory_bytes > 0
            && (section.kind == SectionKind::Bss || u64::from(section.file_bytes) == section.memory_bytes)
    })
}

fn sections_disjoint(image: &Image<'_>) -> bool {
    loaded(image).all(|a| {
        loaded(image).all(|b| {
            a.kind == b.kind || a.memory_end() <= b.memory_offset || b.memory_end() <= a.memory_offset
        })
    })
}

/// Text lies lowest; above everything come the arena, a guard page and the stack.
fn inside_slab(image: &Image<'_>) -> bool {
    let memory = &image.manifest().memory;
    let stack = memory.stack_bytes.min(limits::STACK_BYTES_MAX).next_multiple_of(PAGE);
    let arena = memory.arena_bytes.min(limits::SLAB_IMAGE_BYTES_MAX).next_multiple_of(PAGE);
    let Some(top) = STACK_TOP.checked_sub(stack + PAGE + arena) else { return false };
    let lowest = STACK_TOP - limits::SLAB_IMAGE_BYTES_MAX;
    memory.arena_bytes <= limits::SLAB_IMAGE_BYTES_MAX
        && loaded(image).all(|section| section.memory_offset >= lowest && section.memory_end() <= top)
}

fn unloaded_not_mapped(image: &Image<'_>) -> bool {
    image
        .sections()
        .all(|section| section.kind.is_loaded() || (section.memory_offset == 0 && section.memory_bytes == 0))
}

fn identity_named(image: &Image<'_>) -> bool {
    let identity = image.manifest().identity;
    well_formed(identity.name)
        && is_version(identity.version)
        && (identity.package.is_empty() || well_formed(identity.package))
}

/// Three decimal numbers without leading zeros.
fn is_version(text: &str) -> bool {
    let mut parts = 0;
    text.split('.').all(|part| {
        parts += 1;
        matches!(part.len(), 1..=10)
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    }) && parts == 3
}

/// Entries ascend by kind, so that a second start entry is no canonical manifest.
fn one_start(image: &Image<'_>) -> bool {
    let first = image.manifest().entries.iter().next().map(|entry| entry.kind);
    if image.header().kind == Kind::Component { first == Some(EntryKind::Start) } else { first.is_none() }
}

fn entries_in_text(image: &Image<'_>) -> bool {
    image.manifest().entries.iter().all(|entry| in_text(image, entry.offset))
}

fn entry_stack_fits(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let entries = manifest.entries.iter().map(|entry| entry.stack_bytes);
    let functions = manifest.exports.iter().map(|export| export.stack_bytes);
    entries.chain(functions).all(|bytes| bytes <= manifest.memory.stack_bytes)
}

fn stack_bounded(image: &Image<'_>) -> bool {
    let stack = image.manifest().memory.stack_bytes;
    stack >= PAGE && stack.is_multiple_of(PAGE) && stack <= limits::STACK_BYTES_MAX
}

fn text_not_writable(image: &Image<'_>) -> bool {
    let slots = image.manifest().imports.iter().map(|import| import.offset);
    image
        .relocations()
        .chain(slots)
        .all(|offset| !matches!(kind_at(image, offset), Some(SectionKind::Text | SectionKind::Rodata)))
}

fn slots_in_relro(image: &Image<'_>) -> bool {
    let mut offsets = image.manifest().imports.iter().map(|import| import.offset);
    offsets.all(|offset| is_word_of(image, offset, &[SectionKind::Relro]))
}

fn slots_ordered(image: &Image<'_>) -> bool {
    ascends(image.manifest().imports.iter().map(|import| import.offset))
}

fn slot_content_zero(image: &Image<'_>) -> bool {
    image.manifest().imports.iter().all(|import| {
        kind_at(image, import.offset) != Some(SectionKind::Relro)
            || word(image, import.offset).unwrap_or(0) == 0
    })
}

fn kernel_imports_known(image: &Image<'_>) -> bool {
    image
        .manifest()
        .imports
        .iter()
        .all(|import| import.module != syscall::KERNEL_MODULE || syscall::number_of(import.item).is_some())
}

fn import_capability_known(image: &Image<'_>) -> bool {
    let count = image.manifest().required.len();
    image.manifest().imports.iter().all(|import| import.capability.is_none_or(|slot| (slot as usize) < count))
}

/// A relocation in text or rodata is another rule's.
fn relocations_aligned(image: &Image<'_>) -> bool {
    const WITH_BYTES: &[SectionKind] =
        &[SectionKind::Text, SectionKind::Rodata, SectionKind::Relro, SectionKind::Data];
    let section = image.bytes_of(SectionKind::Relocations);
    section.len().is_multiple_of(4)
        && section.len() as u64 / 4 <= u64::from(limits::RELOCATIONS_MAX)
        && ascends(image.relocations())
        && image.relocations().all(|offset| is_word_of(image, offset, WITH_BYTES))
}

fn relocations_inside(image: &Image<'_>) -> bool {
    image.relocations().all(|offset| match kind_at(image, offset) {
        Some(SectionKind::Relro | SectionKind::Data) => {
            word(image, offset).is_some_and(|target| kind_at(image, target).is_some())
        }
        _ => true,
    })
}

fn capabilities_limited(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    manifest.required.len() <= limits::CAPABILITIES_MAX as usize
        && manifest.exported.len() <= limits::EXPORTS_MAX as usize
        && manifest.imports.len() <= limits::IMPORTS_MAX as usize
        && manifest.parameters.len() <= limits::PARAMETERS_MAX as usize
}

fn names_well_formed(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    unique(&mut manifest.required.iter().map(|required| required.name))
        && unique(&mut manifest.exported.iter().map(|exported| exported.name))
        && unique(&mut manifest.parameters.iter().map(|parameter| parameter.name))
        && manifest.required.iter().all(|required| well_formed(required.interface))
        && manifest.exported.iter().all(|exported| well_formed(exported.interface))
        && manifest.exports.iter().all(|export| well_formed(export.item))
        && manifest.imports.iter().all(|import| well_formed(import.module) && well_formed(import.item))
}

fn used_within_declared(image: &Image<'_>) -> bool {
    image.manifest().required.iter().all(|required| required.methods & !required.declared == 0)
}

/// Masks that a manifest states over interfaces that the vocabulary has.
fn known_interfaces(image: &Image<'_>, mut holds: impl FnMut(&Interface, u64, &[u8; 32]) -> bool) -> bool {
    let manifest = image.manifest();
    let mut known = |name: &str, mask: u64, hash: &[u8; 32]| {
        vocabulary::by_name(name).is_none_or(|interface| holds(interface, mask, hash))
    };
    manifest.required.iter().all(|one| known(one.interface, one.declared, &one.hash))
        && manifest.exported.iter().all(|one| known(one.interface, one.methods, &one.hash))
}

fn methods_exist(image: &Image<'_>) -> bool {
    known_interfaces(image, |interface, mask, _| mask & !interface.full_mask() == 0)
}

fn vocabulary_hash(image: &Image<'_>) -> bool {
    known_interfaces(image, |interface, _, hash| {
        let stated = hashes::VOCABULARY.iter().zip(1u8..).find(|(_, number)| *number == interface.number);
        stated.is_some_and(|(stated, _)| stated == hash)
    })
}

fn message_consistent(image: &Image<'_>) -> bool {
    image.manifest().required.iter().all(|required| {
        vocabulary::by_name(required.interface)
            .is_none_or(|interface| required.message == interface.by_message())
    })
}

fn windows_limited(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let required = manifest.required.iter().map(|required| required.window_bytes);
    let exported = manifest.exported.iter().map(|exported| exported.window_bytes);
    required
        .chain(exported)
        .all(|bytes| u64::from(bytes).is_multiple_of(PAGE) && bytes <= limits::WINDOW_BYTES_MAX)
}

fn export_capabilities_known(image: &Image<'_>) -> bool {
    let count = image.manifest().required.len() as u32;
    image.manifest().exported.iter().all(|exported| count >= 64 || exported.capabilities >> count == 0)
}

/// Entries are unique, so as many method entries as exported methods are those of the exported methods.
fn export_methods_served(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let exported: u32 = manifest.exported.iter().map(|exported| exported.methods.count_ones()).sum();
    let mut served = 0;
    let known = manifest.entries.iter().all(|entry| match entry.kind {
        EntryKind::Method(export, method) => {
            served += 1;
            manifest
                .exported
                .get(export as usize)
                .is_some_and(|exported| method < limits::METHODS_MAX && exported.methods >> method & 1 == 1)
        }
        EntryKind::Interrupt(bit) => bit < u64::BITS,
        EntryKind::Start | EntryKind::Begin => true,
    });
    known && served == exported
}

/// Replay makes a method deterministic by logging its answers; it logs only methods that are used.
fn deterministic_holds(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let logged = match manifest.deterministic {
        Determinism::None => return true,
        Determinism::Yes => List::default(),
        Determinism::Replay(logged) => logged,
    };
    let uses = |slot: u32, method: u8| {
        let required = manifest.required.get(slot as usize);
        u32::from(method) < limits::METHODS_MAX
            && required.is_some_and(|required| required.methods >> method & 1 == 1)
    };
    let depends = |slot: u32, required: &Required<'_>| {
        vocabulary::by_name(required.interface).is_some_and(|interface| {
            interface.methods.iter().zip(0u8..).any(|(method, number)| {
                method.nondeterministic
                    && required.methods >> number & 1 == 1
                    && !logged.iter().any(|entry| entry == (slot, number))
            })
        })
    };
    logged.iter().all(|(slot, method)| uses(slot, method))
        && manifest.required.iter().zip(0..).all(|(required, slot)| !depends(slot, &required))
}

fn priority_below_root(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    manifest.schedule.priority.is_none_or(|priority| priority < limits::PRIORITY_MAX)
        || manifest.required.iter().any(|required| required.interface == "Realm")
}

fn callees_known(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let callees = &manifest.schedule.callees;
    ascends(callees.iter().map(u64::from))
        && callees
            .iter()
            .all(|slot| manifest.required.get(slot as usize).is_some_and(|capability| capability.message))
}

fn provenance_present(image: &Image<'_>) -> bool {
    let provenance = image.manifest().provenance;
    !provenance.compiler.is_empty() && matches!(provenance.front_end, "in" | "wasm" | "rust" | "hand")
}

fn every_section_hashed(image: &Image<'_>) -> bool {
    let hashes = image.manifest().section_hashes;
    let with_bytes = image.sections().filter(|section| section.kind != SectionKind::Bss);
    hashes.iter().map(|hash| hash.kind).eq(with_bytes.map(|section| section.kind as u32))
}

/// What a library requires, its user must hold: a library has no authority of its own.
fn exports_by_kind(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    match image.header().kind {
        Kind::Component => manifest.exports.is_empty(),
        Kind::Library => manifest.exported.is_empty() && !manifest.exports.is_empty(),
        Kind::Guest => manifest.required.is_empty() && manifest.exported.is_empty(),
    }
}

fn functions_in_text(image: &Image<'_>) -> bool {
    // A library has many: the text is looked up once, and each is read once.
    let text = image.section(SectionKind::Text).map(|text| (text.memory_offset, text.memory_bytes));
    let is_in_text = |offset: u64| {
        text.is_none_or(|(first, bytes)| offset.checked_sub(first).is_some_and(|within| within < bytes))
    };
    let mut last = None;
    let mut ascends = |item| last.replace(item).is_none_or(|last| last < item);
    image.manifest().exports.iter().all(|export| ascends(export.item) && is_in_text(export.offset))
}

fn pool_limited(image: &Image<'_>) -> bool {
    let pool = image.manifest().memory.pool;
    (image.header().kind == Kind::Library || pool.threads >= 1)
        && pool.threads <= limits::REALM_THREADS_MAX
        && pool.capabilities >= image.manifest().required.len() as u32
        && pool.capabilities <= limits::REALM_CAPABILITY_SLOTS_MAX
        && pool.mappings <= limits::REALM_MAPPINGS_MAX
}

fn state_stated(image: &Image<'_>) -> bool {
    let state = image
        .sections()
        .filter(|section| matches!(section.kind, SectionKind::Data | SectionKind::Bss))
        .try_fold(0u64, |sum, section| sum.checked_add(section.memory_bytes));
    state == Some(image.manifest().memory.state_bytes)
}

fn slab_form(image: &Image<'_>) -> bool {
    image.header().form == Form::Slab
}
