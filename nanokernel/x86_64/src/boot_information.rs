//! What the loader tells: memory map, module, command line, ACPI's root. Read once, before anything is allocated.

use crate::paging::{physical_bytes, read_physical};
use nanokernel_core::Exit;

/// Entry codes of `boot.s`.
const MULTIBOOT: u64 = 1;
const PVH: u64 = 2;
/// Usable ranges that are remembered.
const RANGES_MAX: usize = 16;
/// Bytes of the command line that are remembered.
const COMMAND_LINE_MAX: usize = 512;
/// Memory beyond is not used: the physical map's reach.
pub const PHYSICAL_END: u64 = 1 << 30;

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// First byte behind.
    pub end: u64,
}

/// The loader's words, copied.
pub struct BootInformation {
    /// Usable memory below [`PHYSICAL_END`], the kernel and the module included.
    pub usable: [Range; RANGES_MAX],
    /// The boot module.
    pub module: Range,
    /// Address of ACPI's root pointer, 0 if the loader does not tell.
    pub rsdp: u64,
    command_line: [u8; COMMAND_LINE_MAX],
    command_line_bytes: usize,
}

impl BootInformation {
    /// Whether the command line has a word.
    pub fn has_flag(&self, flag: &str) -> bool {
        let line = self.command_line.get(..self.command_line_bytes).unwrap_or_default();
        line.split(|byte| *byte == b' ').any(|word| word == flag.as_bytes())
    }

    /// The module's bytes.
    pub fn module(&self) -> &'static [u8] {
        // SAFETY: `read` checked that the module lies in usable memory below the physical map's end; the frame
        // allocator never gives its pages out, and nobody writes them.
        unsafe { physical_bytes(self.module.start, self.module.end - self.module.start) }
    }

    /// End of the highest usable range.
    pub fn memory_end(&self) -> u64 {
        self.usable.iter().map(|range| range.end).max().unwrap_or(0)
    }
}

/// What a loader's protocol is called.
pub const fn name_of(how: u64) -> &'static str {
    if how == PVH { "pvh" } else { "multiboot" }
}

/// Reads what the loader left at `address`.
pub fn read(how: u64, address: u64) -> Result<BootInformation, Exit> {
    let mut found = BootInformation {
        usable: [Range::default(); RANGES_MAX],
        module: Range::default(),
        rsdp: 0,
        command_line: [0; COMMAND_LINE_MAX],
        command_line_bytes: 0,
    };
    match how {
        PVH => read_pvh(&mut found, address),
        MULTIBOOT => read_multiboot(&mut found, address),
        _ => return Err(Exit::MemoryMap),
    }
    if found.module.end == 0 {
        return Err(Exit::NoModule);
    }
    let in_memory = |range: &Range| range.start <= found.module.start && found.module.end <= range.end;
    if found.usable.iter().any(in_memory) { Ok(found) } else { Err(Exit::MemoryMap) }
}

/// `hvm_start_info`, version 1.
fn read_pvh(found: &mut BootInformation, at: u64) {
    let word = |offset| read_physical::<u64>(at + offset);
    let half = |offset| u64::from(read_physical::<u32>(at + offset));
    found.rsdp = word(32);
    for index in 0..half(48) {
        let entry = word(40) + index * 24;
        add(found, entry, read_physical(entry + 16));
    }
    if half(12) > 0 {
        let (start, bytes) = (read_physical::<u64>(word(16)), read_physical::<u64>(word(16) + 8));
        found.module = Range { start, end: start.saturating_add(bytes) };
    }
    copy_command_line(found, word(24));
}

/// The multiboot1 information structure.
fn read_multiboot(found: &mut BootInformation, at: u64) {
    let half = |offset| u64::from(read_physical::<u32>(at + offset));
    let (mut entry, end) = (half(48), half(48) + half(44));
    while entry < end {
        add(found, entry + 4, read_physical(entry + 20));
        entry += u64::from(read_physical::<u32>(entry)) + 4;
    }
    if half(20) > 0 {
        let module = half(24);
        let [start, end] = [0, 4].map(|offset| u64::from(read_physical::<u32>(module + offset)));
        found.module = Range { start, end };
    }
    copy_command_line(found, half(16));
}

/// Adds a range, base and length at `entry`, if it is usable.
fn add(found: &mut BootInformation, entry: u64, kind: u32) {
    const USABLE: u32 = 1;
    let (start, bytes) = (read_physical::<u64>(entry), read_physical::<u64>(entry + 8));
    let end = start.saturating_add(bytes).min(PHYSICAL_END);
    if kind == USABLE
        && start < end
        && let Some(place) = found.usable.iter_mut().find(|range| range.end == 0)
    {
        *place = Range { start, end };
    }
}

fn copy_command_line(found: &mut BootInformation, at: u64) {
    if at == 0 {
        return;
    }
    for (offset, place) in (0..).zip(found.command_line.iter_mut()) {
        let byte: u8 = read_physical(at + offset);
        if byte == 0 {
            return;
        }
        *place = byte;
        found.command_line_bytes += 1;
    }
}
