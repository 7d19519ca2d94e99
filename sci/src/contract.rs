//! The contract: what holds of every image beyond the form of its bytes.
//!
//! One table serves the compiler, `space check`, and the kernel's admission. A rule is a sentence and a
//! function; [`crate::image::Image::verify`] runs them all.

use crate::hashes;
use crate::header::{Form, Kind};
use crate::image::Image;
use crate::layout::{PAGE, STACK_TOP};
use crate::limits;
use crate::list::List;
use crate::manifest::{Determinism, EntryKind, Required};
use crate::section::{Section, SectionKind};
use crate::syscall;
use crate::vocabulary;
use serde::{Deserialize, Serialize};

/// A named check.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// Short kebab-case name.
    pub name: &'static str,
    /// What holds, one sentence.
    pub sentence: &'static str,
    /// Whether it holds.
    pub check: fn(&Image<'_>) -> bool,
}

macro_rules! rules {
    ($($id:literal $name:literal $sentence:literal $check:expr;)+) => {
        /// Every rule, in the order of their ids.
        pub const RULES: &[Rule] = &[$(Rule { id: $id, name: $name, sentence: $sentence, check: $check }),+];
    };
}

rules! {
    "SCI-C001" "has-text" "An image has a text section with code." |image| image.section(SectionKind::Text).is_some_and(|text| text.file_bytes > 0);
    "SCI-C002" "sections-page-aligned" "Loaded sections begin at page boundaries of the slab." |image| loaded(image).all(|section| section.memory_offset % PAGE == 0);
    "SCI-C003" "section-fills-memory" "A loaded section's file bytes fit its memory, and only bss has more memory than file." |image| loaded(image).all(|section| section.memory_bytes > 0 && if section.kind == SectionKind::Bss { section.file_bytes == 0 } else { u64::from(section.file_bytes) == section.memory_bytes });
    "SCI-C004" "sections-disjoint" "Loaded sections do not share a page of the slab." disjoint;
    "SCI-C005" "inside-slab" "The image, its stack and its guard page lie below the stack's top in the slab's image part." inside_slab;
    "SCI-C006" "unloaded-not-mapped" "A section that is not loaded has no memory." |image| image.sections().all(|section| section.kind.is_loaded() || (section.memory_offset == 0 && section.memory_bytes == 0));
    "SCI-C007" "identity-named" "A component has a name, and its version is a semantic version." |image| well_formed(image.manifest().identity.name) && version(image.manifest().identity.version) && image.manifest().identity.package.len() <= limits::NAME_BYTES_MAX as usize;
    "SCI-C008" "one-start" "A component has exactly one start entry, and it stands first; a library has none." one_start;
    "SCI-C009" "entries-in-text" "Every entry lies in text." |image| image.manifest().entries.iter().all(|entry| in_text(image, entry.offset));
    "SCI-C010" "entry-stack-fits" "No entry needs more stack than the component has." |image| image.manifest().entries.iter().all(|entry| entry.stack_bytes <= image.manifest().memory.stack_bytes);
    "SCI-C011" "stack-bounded" "The stack is whole pages, at least one, and within the limit." |image| { let stack = image.manifest().memory.stack_bytes; stack >= PAGE && stack % PAGE == 0 && stack <= limits::STACK_BYTES_MAX };
    "SCI-C012" "text-not-writable" "No relocation or slot lies in text or rodata." |image| image.relocations().chain(image.manifest().imports.iter().map(|import| import.offset)).all(|offset| !matches!(kind_at(image, offset), Some(SectionKind::Text | SectionKind::Rodata)));
    "SCI-C013" "slots-in-relro" "Every slot is an aligned word of relro." |image| image.manifest().imports.iter().all(|import| import.offset % 8 == 0 && kind_at(image, import.offset) == Some(SectionKind::Relro) && kind_at(image, import.offset + 7) == Some(SectionKind::Relro));
    "SCI-C014" "slots-ordered" "Slots are ordered by offset, each once." |image| ascending(image.manifest().imports.iter().map(|import| import.offset));
    "SCI-C015" "slot-content-zero" "A slot's word in the file is zero." slots_zero;
    "SCI-C016" "kernel-imports-known" "Every import from the kernel is in the system-call table." |image| image.manifest().imports.iter().all(|import| import.module != syscall::KERNEL_MODULE || syscall::by_name(import.item).is_some());
    "SCI-C017" "import-capability-known" "The capability that an import needs is one of the required ones." |image| { let count = image.manifest().required.len(); image.manifest().imports.iter().all(|import| import.capability.is_none_or(|slot| (slot as usize) < count)) };
    "SCI-C018" "relocations-aligned" "Relocations are aligned words of relro or data, ordered, each once, and whole in number." relocations;
    "SCI-C019" "relocations-inside" "A relocated word points into the image." relocated_words;
    "SCI-C020" "capabilities-limited" "The numbers of capabilities, exports, imports and parameters are within their limits." counts;
    "SCI-C021" "names-well-formed" "Names of capabilities, exports and parameters are not empty, within the limit, and unique." names;
    "SCI-C022" "used-within-declared" "No capability uses a method that the source does not declare." |image| image.manifest().required.iter().all(|required| required.methods & !required.declared == 0);
    "SCI-C023" "methods-exist" "A mask over an interface of the vocabulary names only its methods." |image| image.manifest().required.iter().all(|required| vocabulary::by_name(required.interface).is_none_or(|interface| required.declared & !interface.full_mask() == 0));
    "SCI-C024" "vocabulary-hash" "An interface of the vocabulary has the vocabulary's hash." |image| image.manifest().required.iter().map(|required| (required.interface, required.hash)).chain(image.manifest().exported.iter().map(|exported| (exported.interface, exported.hash))).all(|(name, hash)| vocabulary::by_name(name).is_none_or(|interface| hashes::VOCABULARY.get(usize::from(interface.number) - 1) == Some(&hash)));
    "SCI-C025" "message-consistent" "Whether messages carry a vocabulary interface out is the vocabulary's word." |image| image.manifest().required.iter().all(|required| vocabulary::by_name(required.interface).is_none_or(|interface| required.message == interface.by_message()));
    "SCI-C026" "windows-limited" "Windows are whole pages within the limit." |image| image.manifest().required.iter().map(|required| required.window_bytes).chain(image.manifest().exported.iter().map(|exported| exported.window_bytes)).all(|bytes| u64::from(bytes) % PAGE == 0 && bytes <= limits::WINDOW_BYTES_MAX);
    "SCI-C027" "export-capabilities-known" "An export's capability mask names only required capabilities." |image| { let count = image.manifest().required.len() as u32; image.manifest().exported.iter().all(|exported| count >= 64 || exported.capabilities >> count == 0) };
    "SCI-C028" "export-methods-served" "An exported method has an entry, and an entry a method." export_entries;
    "SCI-C029" "deterministic-holds" "A deterministic component uses no method that depends on more than its inputs." deterministic;
    "SCI-C030" "priority-below-root" "A priority is below the one that is kept for root." |image| image.manifest().schedule.priority.is_none_or(|priority| priority < limits::PRIORITY_MAX) || is_root(image);
    "SCI-C031" "callees-known" "Callees are required message capabilities, ascending." |image| { let required = &image.manifest().required; ascending(image.manifest().schedule.callees.iter().map(u64::from)) && image.manifest().schedule.callees.iter().all(|slot| required.get(slot as usize).is_some_and(|capability| capability.message)) };
    "SCI-C032" "provenance-present" "The provenance names a compiler and a front end." |image| !image.manifest().provenance.compiler.is_empty() && matches!(image.manifest().provenance.front_end, "in" | "wasm" | "rust" | "hand");
    "SCI-C033" "every-section-hashed" "Every section that has bytes has a hash, in the table's order." |image| { let hashes = image.manifest().section_hashes; let stated = hashes.iter().map(|hash| hash.kind); stated.eq(image.sections().filter(|section| section.kind != SectionKind::Bss).map(|section| section.kind as u32)) };
    "SCI-C034" "library-without-authority" "A library holds no capability, exports no interface, and offers functions." |image| { let manifest = image.manifest(); if image.header().kind == Kind::Library { manifest.required.is_empty() && manifest.exported.is_empty() && !manifest.exports.is_empty() } else { manifest.exports.is_empty() } };
    "SCI-C035" "library-exports-in-text" "A library's functions lie in its text, ordered by name." |image| image.manifest().exports.iter().all(|export| in_text(image, export.offset)) && names_ascend(image);
    "SCI-C036" "pool-limited" "The kernel pool has a thread, a slot for each capability, and is within its limits." |image| { let pool = image.manifest().memory.pool; (image.header().kind == Kind::Library || pool.threads >= 1) && pool.threads <= limits::REALM_THREADS_MAX && pool.capabilities >= image.manifest().required.len() as u32 && pool.capabilities <= limits::REALM_CAPABILITY_SLOTS_MAX && pool.mappings <= 1024 };
    "SCI-C037" "state-stated" "The stated state is the size of data and bss." |image| image.manifest().memory.state_bytes == image.sections().filter(|section| matches!(section.kind, SectionKind::Data | SectionKind::Bss)).map(|section| section.memory_bytes).sum::<u64>();
    "SCI-C038" "slab-form" "The image is in slab form; the dense form has no loader yet." |image| image.header().form == Form::Slab;
}

fn loaded<'a>(image: &Image<'a>) -> impl Iterator<Item = Section> + use<'a> {
    image.sections().filter(|section| section.kind.is_loaded())
}

fn disjoint(image: &Image<'_>) -> bool {
    loaded(image).all(|a| {
        loaded(image).all(|b| {
            a.kind == b.kind || a.memory_end() <= b.memory_offset || b.memory_end() <= a.memory_offset
        })
    })
}

/// Text lies lowest; above everything come the arena, a guard page and the stack.
fn inside_slab(image: &Image<'_>) -> bool {
    let memory = &image.manifest().memory;
    let stack = memory.stack_bytes.min(limits::STACK_BYTES_MAX);
    let arena = memory.arena_bytes.min(limits::SLAB_IMAGE_BYTES_MAX).next_multiple_of(PAGE);
    let Some(top) = STACK_TOP.checked_sub(stack + PAGE + arena) else {
        return false;
    };
    let lowest = STACK_TOP - limits::SLAB_IMAGE_BYTES_MAX;
    memory.arena_bytes <= limits::SLAB_IMAGE_BYTES_MAX
        && loaded(image).all(|section| section.memory_offset >= lowest && section.memory_end() <= top)
}

fn kind_at(image: &Image<'_>, offset: u64) -> Option<SectionKind> {
    image.section_at(offset).map(|section| section.kind)
}

fn in_text(image: &Image<'_>, offset: u64) -> bool {
    kind_at(image, offset) == Some(SectionKind::Text)
}

fn one_start(image: &Image<'_>) -> bool {
    let mut entries = image.manifest().entries.iter();
    let first = entries.next().map(|entry| entry.kind);
    let others = entries.filter(|entry| entry.kind == EntryKind::Start).count();
    if image.header().kind == Kind::Library {
        first.is_none()
    } else {
        first == Some(EntryKind::Start) && others == 0
    }
}

fn well_formed(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::NAME_BYTES_MAX as usize && !name.chars().any(char::is_control)
}

fn version(text: &str) -> bool {
    let mut parts = 0;
    text.split('.').all(|part| {
        parts += 1;
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    }) && parts == 3
}

fn ascending(mut values: impl Iterator<Item = u64>) -> bool {
    let Some(mut previous) = values.next() else {
        return true;
    };
    values.all(|value| {
        let ok = previous < value;
        previous = value;
        ok
    })
}

fn word(image: &Image<'_>, offset: u64) -> Option<u64> {
    let section = image.section_at(offset)?;
    crate::bytes::u64_at(image.section_bytes(&section), offset - section.memory_offset).ok()
}

fn slots_zero(image: &Image<'_>) -> bool {
    image.manifest().imports.iter().all(|import| {
        kind_at(image, import.offset) != Some(SectionKind::Relro)
            || word(image, import.offset).unwrap_or(0) == 0
    })
}

fn relocations(image: &Image<'_>) -> bool {
    let section = image.bytes_of(SectionKind::Relocations);
    section.len().is_multiple_of(4)
        && section.len() as u64 / 4 <= u64::from(limits::RELOCATIONS_MAX)
        && ascending(image.relocations())
        && image.relocations().all(|offset| {
            offset % 8 == 0
                && !matches!(kind_at(image, offset), None | Some(SectionKind::Bss))
                && kind_at(image, offset + 7) == kind_at(image, offset)
        })
}

fn relocated_words(image: &Image<'_>) -> bool {
    image.relocations().all(|offset| match kind_at(image, offset) {
        Some(SectionKind::Relro | SectionKind::Data) => {
            word(image, offset).is_some_and(|target| kind_at(image, target).is_some())
        }
        _ => true,
    })
}

fn counts(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    manifest.required.len() <= limits::CAPABILITIES_MAX as usize
        && manifest.exported.len() <= limits::EXPORTS_MAX as usize
        && manifest.imports.len() <= limits::IMPORTS_MAX as usize
        && manifest.parameters.len() <= limits::PARAMETERS_MAX as usize
}

fn names(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    unique(&manifest.required, |required: &Required<'_>| required.name)
        && unique(&manifest.exported, |exported| exported.name)
        && unique(&manifest.parameters, |parameter| parameter.name)
        && manifest.required.iter().all(|required| well_formed(required.interface))
        && manifest.exported.iter().all(|exported| well_formed(exported.interface))
}

fn unique<'a, T>(list: &List<'a, T>, name: impl Fn(&T) -> &'a str) -> bool
where
    T: Deserialize<'a> + Serialize,
{
    list.iter().enumerate().all(|(at, one)| {
        well_formed(name(&one)) && list.iter().take(at).all(|other| name(&other) != name(&one))
    })
}

fn export_entries(image: &Image<'_>) -> bool {
    let manifest = image.manifest();
    let has = |export: u32, method: u32| {
        manifest.entries.iter().any(|entry| entry.kind == EntryKind::Method(export, method))
    };
    let served = manifest.exported.iter().enumerate().all(|(export, exported)| {
        (0..limits::METHODS_MAX)
            .all(|method| exported.methods >> method & 1 == 0 || has(export as u32, method))
    });
    served
        && manifest.entries.iter().all(|entry| match entry.kind {
            EntryKind::Method(export, method) => manifest
                .exported
                .get(export as usize)
                .is_some_and(|exported| method < limits::METHODS_MAX && exported.methods >> method & 1 == 1),
            EntryKind::Interrupt(bit) => bit < 64,
            EntryKind::Start | EntryKind::Begin => true,
        })
}

fn deterministic(image: &Image<'_>) -> bool {
    if image.manifest().deterministic != Determinism::Yes {
        return true;
    }
    image.manifest().required.iter().all(|required| match vocabulary::by_name(required.interface) {
        Some(interface) => interface
            .methods
            .iter()
            .enumerate()
            .all(|(at, method)| required.methods >> at & 1 == 0 || !method.nondeterministic),
        None => true,
    })
}

fn is_root(image: &Image<'_>) -> bool {
    image.manifest().required.iter().any(|required| required.interface == "Realm")
}

fn names_ascend(image: &Image<'_>) -> bool {
    let exports = &image.manifest().exports;
    exports.iter().zip(exports.iter().skip(1)).all(|(a, b)| a.item < b.item)
}
