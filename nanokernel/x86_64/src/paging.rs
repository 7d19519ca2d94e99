//! Address spaces: four-level tables, reached through a map of physical memory.
//!
//! Nothing is writable and executable. The kernel's text is read-only, also in the physical map; its stacks'
//! guard pages are not mapped. A realm's space shares the kernel's two top entries and owns its lower half.
//! Ring 3's memory is reached by walking its tables, never through its addresses, so SMAP stays closed.

use core::arch::asm;

use crate::acpi::Controllers;
use crate::boot_information::{BootInformation, Range};
use crate::frames::Frames;
use nanokernel_core::{Exit, Frame, MapError, Owner, Page, Rights, Space};
use sci::layout::PAGE;

/// Where the kernel is linked.
const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
/// Where physical memory is mapped.
const PHYSICAL_MAP: u64 = 0xffff_8000_0000_0000;
/// Address of the local interrupt controller.
pub const LOCAL_CONTROLLER: u64 = 0xfee0_0000;

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const WRITE_THROUGH: u64 = 1 << 3;
const UNCACHED: u64 = 1 << 4;
const LARGE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
/// The space returns the frame: one of the bits that the CPU leaves to us.
const OWNED: u64 = 1 << 9;
const NO_EXECUTE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const LARGE_PAGE: u64 = 1 << 21;
const ENTRIES: u64 = 512;
/// Top entries of the kernel: the physical map and the kernel image.
const MAP_ENTRY: u64 = 256;
const IMAGE_ENTRY: u64 = 511;

unsafe extern "C" {
    static text_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static bss_end: u8;
    static load_start: u8;
    static call_guard: u8;
    static trap_guard: u8;
    static abort_guard: u8;
}

/// Address of a linker symbol.
macro_rules! address_of {
    ($symbol:ident) => {
        (&raw const $symbol) as u64
    };
}

static mut KERNEL_SPACE: u64 = 0;

/// Physical memory that the kernel's image occupies.
pub fn kernel_range() -> Range {
    Range { start: address_of!(load_start), end: address_of!(bss_end) }
}

/// Physical address of a part of the kernel's image.
pub fn physical_of<T>(place: *const T) -> u64 {
    place as u64 - KERNEL_BASE
}

/// Reads physical memory.
pub fn read_physical<T: Copy>(address: u64) -> T {
    assert!(address < 1 << 40, "the physical map holds no such address");
    // SAFETY: the physical map covers all memory below its end, device registers included, for as long as the
    // kernel runs; `T` is an integer wherever this is called, so any bytes are a value.
    unsafe { core::ptr::read_unaligned((PHYSICAL_MAP + address) as *const T) }
}

/// Writes a word of physical memory.
pub fn write_physical(address: u64, value: u64) {
    // SAFETY: callers pass frames of the allocator and entries of page tables: memory that Rust knows nothing of.
    unsafe { *((PHYSICAL_MAP + address) as *mut u64) = value }
}

/// Bytes of physical memory.
///
/// # Safety
/// The range lies in mapped memory, and nobody writes it while the bytes are borrowed.
pub unsafe fn physical_bytes(address: u64, count: u64) -> &'static [u8] {
    // SAFETY: the caller vouches for the range.
    unsafe { core::slice::from_raw_parts((PHYSICAL_MAP + address) as *const u8, count as usize) }
}

/// Reads a device register.
pub fn read_device(address: u64) -> u32 {
    // SAFETY: `start` mapped the interrupt controllers, and only they are read here.
    unsafe { core::ptr::read_volatile((PHYSICAL_MAP + address) as *const u32) }
}

/// Writes a device register.
pub fn write_device(address: u64, value: u32) {
    // SAFETY: as in `read_device`.
    unsafe { core::ptr::write_volatile((PHYSICAL_MAP + address) as *mut u32, value) }
}

/// Zeroes a frame.
pub fn zero_page(frame: u64) {
    // SAFETY: callers pass frames of the allocator.
    unsafe {
        asm!("rep stosq", inout("rcx") PAGE / 8 => _, inout("rdi") PHYSICAL_MAP + frame => _, in("rax") 0u64,
             options(nostack, preserves_flags));
    }
}

/// Copies into a frame.
pub fn copy_to_frame(frame: Frame, offset: u64, bytes: &[u8]) {
    assert!(offset + bytes.len() as u64 <= PAGE, "a copy stays within its frame");
    let to = (PHYSICAL_MAP + frame.0 + offset) as *mut u8;
    // SAFETY: the frame is mapped, the copy stays within it, and the source is memory of the kernel or the
    // module, neither of which is a frame of the allocator.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
}

/// Copies out of a frame.
pub fn copy_from_frame(frame: Frame, offset: u64, into: &mut [u8]) {
    assert!(offset + into.len() as u64 <= PAGE, "a copy stays within its frame");
    let from = (PHYSICAL_MAP + frame.0 + offset) as *const u8;
    // SAFETY: as in `copy_to_frame`, the other way.
    unsafe { core::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) }
}

/// Makes the kernel's own tables and uses them.
pub fn start(frames: &mut Frames, found: &BootInformation, controllers: &Controllers) -> Result<(), Exit> {
    let top = frames.take().ok_or(Exit::Exhausted)?.0;
    let (text, constants) = (address_of!(text_start), address_of!(rodata_start));
    let (data, end) = (address_of!(data_start), address_of!(bss_end) + KERNEL_BASE);
    let mut at = 0;
    while at < found.memory_end() {
        let directory = directory(frames, top, MAP_ENTRY, at)?;
        if at < data - KERNEL_BASE && at + LARGE_PAGE > text - KERNEL_BASE {
            let pages = table(frames, directory, at >> 21)?;
            for index in 0..ENTRIES {
                let page = at + index * PAGE;
                let is_constant = page >= text - KERNEL_BASE && page < data - KERNEL_BASE;
                let rights = if is_constant { 0 } else { WRITABLE };
                write_physical(pages + index * 8, page | PRESENT | GLOBAL | NO_EXECUTE | rights);
            }
        } else {
            let entry = at | PRESENT | WRITABLE | LARGE | GLOBAL | NO_EXECUTE;
            write_physical(directory + (at >> 21 & (ENTRIES - 1)) * 8, entry);
        }
        at += LARGE_PAGE;
    }
    let guards = [address_of!(call_guard), address_of!(trap_guard), address_of!(abort_guard)];
    assert!(
        guards.iter().all(|guard| *guard < text.next_multiple_of(LARGE_PAGE)),
        "a guard is one small page"
    );
    let mut page = text;
    while page < end {
        let directory = directory(frames, top, IMAGE_ENTRY, page)?;
        if page.is_multiple_of(LARGE_PAGE) && page > data {
            // The last one reaches beyond the image, to what the physical map holds in the same way.
            let entry = (page - KERNEL_BASE) | PRESENT | WRITABLE | LARGE | GLOBAL | NO_EXECUTE;
            write_physical(directory + (page >> 21 & (ENTRIES - 1)) * 8, entry);
            page += LARGE_PAGE;
            continue;
        }
        let pages = table(frames, directory, page >> 21)?;
        let behind = end.min((page + 1).next_multiple_of(LARGE_PAGE));
        while page < behind {
            let rights = match page {
                _ if page < constants => 0,
                _ if page < data => NO_EXECUTE,
                _ => NO_EXECUTE | WRITABLE,
            };
            if !guards.contains(&page) {
                let entry = (page - KERNEL_BASE) | PRESENT | GLOBAL | rights;
                write_physical(pages + (page >> 12 & (ENTRIES - 1)) * 8, entry);
            }
            page += PAGE;
        }
    }
    for device in core::iter::once(LOCAL_CONTROLLER).chain(controllers.addresses()) {
        let address = PHYSICAL_MAP + device;
        let directory = directory(frames, top, MAP_ENTRY, device)?;
        let pages = table(frames, directory, address >> 21)?;
        let attributes = PRESENT | WRITABLE | WRITE_THROUGH | UNCACHED | GLOBAL | NO_EXECUTE;
        write_physical(pages + (address >> 12 & (ENTRIES - 1)) * 8, device | attributes);
    }
    // SAFETY: one CPU, before anything else uses it; the tables map everything the kernel uses.
    unsafe {
        KERNEL_SPACE = top;
        asm!("mov cr3, {}", in(reg) top, options(nostack, preserves_flags));
    }
    Ok(())
}

/// The page directory for an address below an entry of the kernel's top table, made if need be.
fn directory(frames: &mut Frames, top: u64, entry: u64, address: u64) -> Result<u64, Exit> {
    let pointers = table(frames, top, entry)?;
    table(frames, pointers, address >> 30)
}

/// The table below an entry of a kernel table, made if need be.
fn table(frames: &mut Frames, parent: u64, index: u64) -> Result<u64, Exit> {
    let place = parent + (index & (ENTRIES - 1)) * 8;
    let entry: u64 = read_physical(place);
    if entry & PRESENT != 0 {
        return Ok(entry & ADDRESS);
    }
    let made = frames.take().ok_or(Exit::Exhausted)?.0;
    write_physical(place, made | PRESENT | WRITABLE);
    Ok(made)
}

/// The kernel's own space: what the idle thread runs in.
pub fn kernel_space() -> Space {
    // SAFETY: written once, in `start`.
    Space(unsafe { KERNEL_SPACE })
}

/// A space that holds the kernel and nothing else.
pub fn create(frames: &mut Frames) -> Option<Space> {
    let top = frames.take()?.0;
    for entry in [MAP_ENTRY, IMAGE_ENTRY] {
        write_physical(top + entry * 8, read_physical(kernel_space().0 + entry * 8));
    }
    Some(Space(top))
}

/// Maps a page of ring 3.
pub fn map(frames: &mut Frames, space: Space, address: u64, page: Page) -> Result<(), MapError> {
    assert!(address < 1 << 47 && address.is_multiple_of(PAGE), "ring 3 has the lower half");
    let mut parent = space.0;
    for shift in [39, 30, 21] {
        let place = parent + (address >> shift & (ENTRIES - 1)) * 8;
        let entry: u64 = read_physical(place);
        parent = if entry & PRESENT == 0 {
            let made = frames.take().ok_or(MapError::Exhausted)?.0;
            write_physical(place, made | PRESENT | WRITABLE | USER);
            made
        } else {
            entry & ADDRESS
        };
    }
    let place = parent + (address >> 12 & (ENTRIES - 1)) * 8;
    if read_physical::<u64>(place) & PRESENT != 0 {
        return Err(MapError::Occupied);
    }
    let rights = match page.rights {
        Rights::Read => NO_EXECUTE,
        Rights::Write => NO_EXECUTE | WRITABLE,
        Rights::Execute => 0,
        Rights::Registers => NO_EXECUTE | WRITABLE | WRITE_THROUGH | UNCACHED,
    };
    let owner = if page.owner == Owner::Space { OWNED } else { 0 };
    write_physical(place, page.frame.0 | PRESENT | USER | rights | owner);
    Ok(())
}

/// Address of a page's entry, if tables lead to it.
fn entry_of(space: Space, address: u64) -> Option<u64> {
    if address >= 1 << 47 || space.0 == 0 {
        return None;
    }
    let mut parent = space.0;
    for shift in [39, 30, 21] {
        let entry: u64 = read_physical(parent + (address >> shift & (ENTRIES - 1)) * 8);
        if entry & PRESENT == 0 {
            return None;
        }
        parent = entry & ADDRESS;
    }
    Some(parent + (address >> 12 & (ENTRIES - 1)) * 8)
}

/// Removes a mapping and answers its frame.
pub fn unmap(space: Space, address: u64) -> Option<Frame> {
    let frame = translate(space, address, Access::Any)?;
    write_physical(entry_of(space, address)?, 0);
    // SAFETY: forgetting a translation is always allowed.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
    Some(frame)
}

/// What an access must find in a page's entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Ring 3 could read it.
    UserRead,
    /// Ring 3 could write it.
    UserWrite,
    /// It is mapped.
    Any,
}

/// The frame behind an address, if the access is allowed.
pub fn translate(space: Space, address: u64, access: Access) -> Option<Frame> {
    let entry: u64 = read_physical(entry_of(space, address)?);
    // A device's registers are not in the physical map.
    let (seen, needed) = match access {
        Access::Any => (PRESENT | USER, PRESENT | USER),
        Access::UserRead => (PRESENT | USER | UNCACHED, PRESENT | USER),
        Access::UserWrite => (PRESENT | USER | WRITABLE | UNCACHED, PRESENT | USER | WRITABLE),
    };
    (entry & seen == needed).then_some(Frame(entry & ADDRESS))
}

/// Returns up to `limit` of a space's frames; true when the space is gone.
pub fn release(frames: &mut Frames, space: Space, limit: u32) -> bool {
    let mut left = limit;
    if !release_table(frames, space.0, 3, MAP_ENTRY, &mut left) {
        return false;
    }
    frames.put(Frame(space.0));
    true
}

/// Empties the first `entries` of a table at a level; true when nothing is left below.
fn release_table(frames: &mut Frames, table: u64, level: u32, entries: u64, left: &mut u32) -> bool {
    for index in 0..entries {
        let place = table + index * 8;
        let entry: u64 = read_physical(place);
        if entry == 0 {
            continue;
        }
        let below = Frame(entry & ADDRESS);
        if level == 0 {
            if entry & OWNED != 0 {
                if *left == 0 {
                    return false;
                }
                *left -= 1;
                frames.put(below);
            }
        } else {
            if !release_table(frames, below.0, level - 1, ENTRIES, left) || *left == 0 {
                return false;
            }
            *left -= 1;
            frames.put(below);
        }
        write_physical(place, 0);
    }
    true
}
