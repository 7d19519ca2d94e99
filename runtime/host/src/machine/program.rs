//! A guest image made ready for mapping.

use std::ffi::c_int;
use std::fs::File;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use libc::{F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE};
use sci::layout::{INFO_PAGE, LINEAR_MEMORY, PAGE, SLAB_IMAGE_SPAN, STACK_TOP};

use super::gate;
use super::import::HostEntry;
use super::mapping::{Access, MapError, Mapping};

/// Bytes of a WebAssembly page.
pub(super) const WASM_PAGE: u64 = 64 << 10;
/// What a linear memory may index.
pub(super) const INDEX_SPACE: u64 = 4 << 30;
/// Address space that a linear memory takes: the index space, then as much again for offsets, and a page.
pub(super) const MEMORY_SPAN: u64 = 2 * INDEX_SPACE + WASM_PAGE;
/// Bytes of a thunk; the gate's address takes as many before the first.
const THUNK_BYTES: u64 = 16;
/// More imports than a manifest can name.
const IMPORTS_MAX: usize = 1 << 16;

/// Bytes and where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Counted from the slab's base; on a page boundary.
    pub offset: u64,
    /// The content.
    pub bytes: &'a [u8],
}

/// Linear memory 0, at [`LINEAR_MEMORY`].
#[derive(Clone, Copy, Debug)]
pub struct MemoryPart<'a> {
    /// What it begins with; the rest is zero.
    pub content: &'a [u8],
    /// Bytes at first, a multiple of 64 KiB.
    pub initial: u64,
    /// Bytes at most, a multiple of 64 KiB.
    pub maximum: u64,
}

/// The parts of an image, in ascending order; no two share a page, except data and bss.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    /// Code.
    pub text: Placed<'a>,
    /// Constants.
    pub rodata: Option<Placed<'a>>,
    /// What the loader writes: the slots. The same in every instance.
    pub relro: Option<Placed<'a>>,
    /// Variables.
    pub data: Option<Placed<'a>>,
    /// Offset and bytes of variables that begin as zero.
    pub bss: Option<(u64, u64)>,
    /// Bytes of the stack, whole pages; it ends at [`STACK_TOP`], a guard page lies below.
    pub stack_bytes: u64,
    /// Bytes of stack that must be free where a function is entered: what is used before code checks the depth.
    pub stack_reserve: u64,
    /// Where in relro the slot of each import lies, by import number.
    pub slots: Vec<u64>,
    /// Linear memory 0.
    pub memory: Option<MemoryPart<'a>>,
}

/// Parts that do not make a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// An offset or size is not on a page boundary.
    #[error("{0} does not begin on a page boundary")]
    Unaligned(&'static str),
    /// A part reaches into the one before it, or beyond the image's range.
    #[error("{0} lies out of order or outside the image's range")]
    Misplaced(&'static str),
    /// Text or stack is missing.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A slot is not an aligned word of relro.
    #[error("the slot of import {0} is not an aligned word of relro")]
    Slot(usize),
    /// There are too many imports.
    #[error("{0} imports")]
    Imports(usize),
    /// Content, initial and maximum bytes of the memory do not fit one another.
    #[error("the memory's sizes do not fit one another")]
    Memory,
}

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The parts are wrong.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// The kernel refused.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Where things lie in a slab, as offsets from its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Code, to the byte.
    pub(super) text: Range<u64>,
    /// Pages of text, rodata and relro: read and execute.
    pub(super) shared: Range<u64>,
    /// Pages of data and bss.
    pub(super) data: Range<u64>,
    /// The stack. What follows up to the end of the image's range is writable as well.
    pub(super) stack: Range<u64>,
    /// Bytes of it that must be free where a function is entered.
    pub(super) stack_reserve: u64,
    /// Linear memory 0.
    pub(super) memory: Option<MemoryLayout>,
}

/// Bytes of linear memory 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemoryLayout {
    /// Pages that come from the file.
    pub(super) content: u64,
    /// At first.
    pub(super) initial: u64,
    /// At most.
    pub(super) maximum: u64,
}

impl Layout {
    /// Offset after what a slab reserves.
    pub(super) fn limit(&self) -> u64 {
        if self.memory.is_some() { LINEAR_MEMORY + MEMORY_SPAN } else { SLAB_IMAGE_SPAN }
    }

    /// Offset after what comes from the file.
    pub(super) fn file_limit(&self) -> u64 {
        self.memory.map_or(SLAB_IMAGE_SPAN, |memory| LINEAR_MEMORY + memory.content)
    }

    fn of(parts: &Parts<'_>) -> Result<Self, PartsError> {
        if parts.text.bytes.is_empty() {
            return Err(PartsError::Empty("text"));
        }
        if parts.stack_bytes == 0 {
            return Err(PartsError::Empty("stack"));
        }
        let mut end = 0;
        let text = place("text", Some(parts.text), &mut end)?;
        place("rodata", parts.rodata, &mut end)?;
        place("relro", parts.relro, &mut end)?;
        let shared = text.start..end;
        let mut data = place("data", parts.data, &mut end)?;
        if let Some((offset, bytes)) = parts.bss {
            // Variables may go on in the page where the initialised ones end.
            let first = if data.is_empty() { end } else { data.end };
            let limit = offset.checked_add(bytes).filter(|limit| offset >= first && *limit <= INFO_PAGE);
            end = pages(limit.ok_or(PartsError::Misplaced("bss"))?);
            data = if data.is_empty() { offset..end } else { data.start..end };
        }
        if !data.is_empty() {
            data = data.start / PAGE * PAGE..end;
        }
        if !parts.stack_bytes.is_multiple_of(PAGE) {
            return Err(PartsError::Unaligned("stack"));
        }
        let bottom = STACK_TOP.checked_sub(parts.stack_bytes).filter(|bottom| *bottom >= end + PAGE);
        let stack = bottom.ok_or(PartsError::Misplaced("stack"))?..STACK_TOP;
        let memory = parts.memory.as_ref().map(memory_layout).transpose()?;
        if parts.stack_reserve > parts.stack_bytes {
            return Err(PartsError::Misplaced("the stack's reserve"));
        }
        Ok(Self { text, shared, data, stack, stack_reserve: parts.stack_reserve, memory })
    }
}

/// Checks one part that begins at or after `end`, and moves `end` behind its last page.
fn place(what: &'static str, part: Option<Placed<'_>>, end: &mut u64) -> Result<Range<u64>, PartsError> {
    let Some(Placed { offset, bytes }) = part.filter(|part| !part.bytes.is_empty()) else {
        return Ok(0..0);
    };
    if !offset.is_multiple_of(PAGE) {
        return Err(PartsError::Unaligned(what));
    }
    let limit = offset.checked_add(bytes.len() as u64).filter(|limit| offset >= *end && *limit <= INFO_PAGE);
    let limit = limit.ok_or(PartsError::Misplaced(what))?;
    *end = pages(limit);
    Ok(offset..limit)
}

fn memory_layout(part: &MemoryPart<'_>) -> Result<MemoryLayout, PartsError> {
    let MemoryPart { content, initial, maximum } = *part;
    let is_whole = initial.is_multiple_of(WASM_PAGE) && maximum.is_multiple_of(WASM_PAGE);
    if is_whole && content.len() as u64 <= initial && initial <= maximum && maximum <= INDEX_SPACE {
        Ok(MemoryLayout { content: pages(content.len() as u64), initial, maximum })
    } else {
        Err(PartsError::Memory)
    }
}

/// Rounds up to whole pages.
fn pages(bytes: u64) -> u64 {
    bytes.next_multiple_of(PAGE)
}

/// An image as one sealed memory file, from which every slab is mapped. The file holds the thunks, and then the
/// slab from text on.
#[derive(Debug)]
pub struct Program {
    file: File,
    /// Code that the slots lead to. Slots are the same in every slab, so it cannot lie in one.
    _thunks: Mapping,
    /// Bytes of the thunks in the file.
    thunk_bytes: u64,
    /// The file from text on, to read.
    pristine: Mapping,
    layout: Layout,
    imports: usize,
}

impl Program {
    /// Builds and seals the file.
    ///
    /// # Safety
    /// Text is code of the compiler: it keeps to its slab, its stack and the calling convention, and leaves only by
    /// returning, by a call through a slot, or by a fault.
    pub unsafe fn new(parts: &Parts<'_>) -> Result<Self, ProgramError> {
        let layout = Layout::of(parts)?;
        let imports = parts.slots.len();
        if imports > IMPORTS_MAX {
            return Err(PartsError::Imports(imports).into());
        }
        let thunk_bytes = pages(THUNK_BYTES * (imports as u64 + 1));
        let thunks = Mapping::reserve(thunk_bytes)?;
        let file = memory_file()?;
        let first = layout.shared.start;
        let image_bytes = layout.file_limit() - first;
        file.set_len(thunk_bytes + image_bytes).map_err(MapError::io("size an image"))?;
        let put = |offset: u64, bytes: &[u8]| {
            file.write_all_at(bytes, thunk_bytes + offset - first).map_err(MapError::io("fill an image"))
        };
        for part in [Some(parts.text), parts.rodata, parts.data].into_iter().flatten() {
            put(part.offset, part.bytes)?;
        }
        if let Some(relro) = with_slots(parts, thunks.start())? {
            put(relro.0, &relro.1)?;
        }
        if let Some(memory) = &parts.memory {
            put(LINEAR_MEMORY, memory.content)?;
        }
        file.write_all_at(&thunk_code(imports), 0).map_err(MapError::io("fill an image"))?;
        seal(&file)?;
        thunks.map_file(0, thunk_bytes, Access::ReadExecute, &file, 0)?;
        let pristine = Mapping::reserve(image_bytes)?;
        pristine.map_file(0, image_bytes, Access::Read, &file, thunk_bytes)?;
        Ok(Self { file, _thunks: thunks, thunk_bytes, pristine, layout, imports })
    }

    /// How many host functions its instances need.
    pub fn imports(&self) -> usize {
        self.imports
    }

    /// Where things lie.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Maps a range of the slab from the file; `mapping` begins with text.
    pub(super) fn map(&self, mapping: &Mapping, range: Range<u64>, access: Access) -> Result<(), MapError> {
        if range.is_empty() {
            return Ok(());
        }
        let at = range.start - self.layout.shared.start;
        mapping.map_file(at, range.end - range.start, access, &self.file, self.thunk_bytes + at)
    }

    /// The slab from text on as it begins.
    pub(super) fn pristine(&self) -> &Mapping {
        &self.pristine
    }
}

/// Offset and content of relro, slots filled.
fn with_slots(parts: &Parts<'_>, thunks: u64) -> Result<Option<(u64, Vec<u8>)>, PartsError> {
    let Some(relro) = parts.relro else {
        return if parts.slots.is_empty() { Ok(None) } else { Err(PartsError::Slot(0)) };
    };
    let mut content = relro.bytes.to_vec();
    for (import, slot) in parts.slots.iter().enumerate() {
        let at = slot.checked_sub(relro.offset).filter(|at| at.is_multiple_of(8));
        let word = at.and_then(|at| content.get_mut(at as usize..)?.first_chunk_mut::<8>());
        let thunk = thunks + THUNK_BYTES * (import as u64 + 1);
        *word.ok_or(PartsError::Slot(import))? = thunk.to_le_bytes();
    }
    Ok(Some((relro.offset, content)))
}

/// The gate's address, then for each import `mov eax, entry; jmp [rip + gate]`.
fn thunk_code(imports: usize) -> Vec<u8> {
    const JUMP_END: usize = 11;
    let mut code = gate::gate().to_le_bytes().to_vec();
    for import in 0..imports {
        code.resize((import + 1) * THUNK_BYTES as usize, 0xcc);
        let entry = (import * size_of::<HostEntry>()) as u32;
        let back = -((code.len() + JUMP_END) as i32);
        code.push(0xb8);
        code.extend(entry.to_le_bytes());
        code.extend([0xff, 0x25]);
        code.extend(back.to_le_bytes());
    }
    code
}

fn memory_file() -> Result<File, MapError> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a C string; a new descriptor comes back.
    let descriptor: c_int = unsafe { libc::memfd_create(c"space-image".as_ptr(), flags) };
    if descriptor < 0 {
        return Err(MapError::last("create a memory file"));
    }
    // SAFETY: the descriptor is new, and nobody else's.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(descriptor) }))
}

/// Nobody writes the file from here on.
fn seal(file: &File) -> Result<(), MapError> {
    let seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    // SAFETY: changes nothing but the file's seals.
    let status = unsafe { libc::fcntl(file.as_raw_fd(), F_ADD_SEALS, seals) };
    if status == 0 { Ok(()) } else { Err(MapError::last("seal an image")) }
}
