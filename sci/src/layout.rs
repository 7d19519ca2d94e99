//! Where a realm's memory lies, and the layout of what kernel and component share.
//!
//! A component's image lies in the last part of the first GiB of its *slab*, from the top down:
//!
//! | from the slab's base | what |
//! |---|---|
//! | `START_PAGE` | start page, read-only: handles, windows, parameters |
//! | `INSTANCE_PAGE` | instance block, read-only to the component |
//! | `GATE_PAGE` | gate, read-only and executable, the same in every realm |
//! | `INFO_PAGE` | info page, read-only: clock and boot facts |
//! | below `STACK_TOP` | stack, then one guard page |
//! | below the guard | arena, bss, data, relro, rodata, text (in descending order) |
//! | below text | windows, in the same 2 MiB while they fit |
//!
//! Offsets are relative to the slab's base; the kernel puts every slab at [`KERNEL_SLAB_BASE`], the Linux
//! host anywhere. Source: the architecture's machine decisions, "A realm's memory".

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Begins each line of the kernel's own on the serial console (ASCII record separator). Consoles print it for nobody
/// else, so that no component's text passes for the kernel's.
pub const KERNEL_LINE: u8 = 0x1e;
/// Address of the slab's base on the nanokernel; everything below is never mapped.
pub const KERNEL_SLAB_BASE: u64 = 4 << 30;
/// Bytes of the slab's image part: image offsets lie below it.
pub const SLAB_IMAGE_SPAN: u64 = 1 << 30;
/// Offset of the start page.
pub const START_PAGE: u64 = SLAB_IMAGE_SPAN - PAGE;
/// Offset of the instance block.
pub const INSTANCE_PAGE: u64 = SLAB_IMAGE_SPAN - 2 * PAGE;
/// Offset of the gate page.
pub const GATE_PAGE: u64 = SLAB_IMAGE_SPAN - 3 * PAGE;
/// Offset of the info page.
pub const INFO_PAGE: u64 = SLAB_IMAGE_SPAN - 4 * PAGE;
/// Offset of the first byte above the stack.
pub const STACK_TOP: u64 = INFO_PAGE;
/// Offset of linear memory 0 of a WebAssembly image, counted from the slab's base.
pub const LINEAR_MEMORY: u64 = SLAB_IMAGE_SPAN + (1 << 20);
/// Offset of a guest's linkage table, read-only, on the nanokernel: for the library that serves it.
pub const LINKAGE: u64 = 12 << 30;
/// Distance of the slab of a realm's library from the realm's own, on the nanokernel.
pub const LIBRARY_SLAB: u64 = 16 << 30;
/// Distance between further linear memories on the nanokernel, each with its guard behind it: the one of index *n*
/// lies *n* + 1 such distances from the slab's base.
pub const MEMORY_SPAN: u64 = 16 << 30;
/// Bytes of a guest's stack that are left to the library that serves a call of its.
pub const LIBRARY_STACK_BYTES: u64 = 32 * 1024;

/// Offset of a linear memory, counted from the slab's base, on the nanokernel.
pub const fn linear_memory(index: u64) -> u64 {
    if index == 0 { LINEAR_MEMORY } else { (index + 1) * MEMORY_SPAN }
}

/// The message frame: 128 bytes in the caller's memory, 16-byte aligned.
pub mod frame {
    /// Bytes of a frame.
    pub const BYTES: u64 = 128;
    /// Six payload words.
    pub const WORDS: u64 = 0;
    /// Method number in bits 0–7, number of capabilities carried in bits 8–9; the rest is zero.
    pub const METHOD: u64 = 48;
    /// Status of the reply: see [`crate::status`].
    pub const STATUS: u64 = 56;
    /// Badge of the capability that the sender used; zero in a reply.
    pub const BADGE: u64 = 64;
    /// Generation of the peer.
    pub const GENERATION: u64 = 72;
    /// Two capability handles.
    pub const CAPABILITIES: u64 = 80;
    /// How many capabilities the frame's owner takes with the message or answer that it waits for: 0 to 2. What a
    /// peer sends beyond stays with the peer, so nobody's slots are filled unasked.
    pub const ACCEPTS: u64 = 96;
    /// Reserved, zero. A range of the window travels as a word: offset in the low half, length in the high half, both
    /// in bytes; so a message that lends stays in registers.
    pub const RESERVED: u64 = 104;
    /// Mask of the method number within the method word.
    pub const METHOD_MASK: u64 = 0xff;
    /// Shift of the capability count within the method word.
    pub const CAPABILITY_COUNT_SHIFT: u32 = 8;
}

/// The start page: what the launcher tells a component before its first instruction.
pub mod start {
    /// `u64`: [`MAGIC_VALUE`].
    pub const MAGIC: u64 = 0;
    /// What [`MAGIC`] holds: "SPSTART" and layout version 1.
    pub const MAGIC_VALUE: u64 = u64::from_le_bytes(*b"SPSTART\x01");
    /// `u64`: the realm's generation, 1 at its first start.
    pub const GENERATION: u64 = 8;
    /// `u32`: capability entries that follow.
    pub const CAPABILITY_COUNT: u64 = 16;
    /// `u32`: parameters.
    pub const PARAMETER_COUNT: u64 = 20;
    /// Capability entries, in the manifest's order.
    pub const CAPABILITIES: u64 = 64;
    /// Bytes of a capability entry: handle, window address, window bytes, reserved.
    pub const CAPABILITY_BYTES: u64 = 32;
    /// Within an entry, `u64`: the handle; 0 where nothing was granted.
    pub const ENTRY_HANDLE: u64 = 0;
    /// Within an entry, `u64`: address of the channel's window, 0 where there is none.
    pub const ENTRY_WINDOW: u64 = 8;
    /// Within an entry, `u64`: bytes of the window.
    pub const ENTRY_WINDOW_BYTES: u64 = 16;
    /// Parameters, `u64` each.
    pub const PARAMETERS: u64 = CAPABILITIES + CAPABILITY_BYTES * crate::limits::CAPABILITIES_MAX as u64;
    /// Windows of this component's clients, by client number: address, bytes.
    pub const CLIENT_WINDOWS: u64 = PARAMETERS + 8 * crate::limits::PARAMETERS_MAX as u64;
    /// Bytes of a client window entry.
    pub const CLIENT_WINDOW_BYTES: u64 = 16;
    const _: () =
        assert!(CLIENT_WINDOWS + CLIENT_WINDOW_BYTES * crate::limits::CLIENTS_MAX as u64 <= super::PAGE);
}

/// The instance block, one page, read-only to the component.
pub mod instance {
    /// `u64`: instance number.
    pub const NUMBER: u64 = 0;
    /// `u64`: generation.
    pub const GENERATION: u64 = 8;
    /// `u64`: number of linear memories.
    pub const MEMORY_COUNT: u64 = 16;
    /// `u64`: bytes of the linkage table at [`super::LINKAGE`], 0 where there is none.
    pub const LINKAGE_BYTES: u64 = 24;
    /// Memory entries: base address, bytes, maximum bytes, reserved; `u64` each.
    pub const MEMORIES: u64 = 64;
    /// Bytes of a memory entry.
    pub const MEMORY_BYTES: u64 = 32;
    /// Within an entry, `u64`: address of the memory.
    pub const MEMORY_BASE: u64 = 0;
    /// Within an entry, `u64`: bytes of the memory.
    pub const MEMORY_LENGTH: u64 = 8;
    /// Within an entry, `u64`: bytes that the memory may grow to.
    pub const MEMORY_MAXIMUM: u64 = 16;
    /// Addresses of a guest's ways in, `u64` each, 0 where it has none: see [`crate::guest::WAYS_IN`].
    pub const WAYS_IN: u64 = MEMORIES + MEMORY_BYTES * crate::limits::wasm::MEMORIES_MAX;
    const _: () = assert!(WAYS_IN + 8 * crate::guest::WAYS_IN.len() as u64 <= super::PAGE);
}

/// The info page, one for the machine.
pub mod info {
    /// `u64`: time-stamp counter ticks a second, 0 while unknown.
    pub const TSC_HZ: u64 = 0;
    /// `u64`: time-stamp counter at kernel entry.
    pub const TSC_BOOT: u64 = 8;
    /// `u64`: kernel ABI version.
    pub const ABI_VERSION: u64 = 16;
}

/// A badge tells a server which of its exports and which client a message came through.
pub mod badge {
    /// Bits above this shift hold the export's number.
    pub const EXPORT_SHIFT: u32 = 32;
    /// Mask of the client's number.
    pub const CLIENT_MASK: u64 = 0xffff_ffff;
    /// Export number of a notification delivered to the inbox: interrupts and timers.
    pub const EXPORT_NOTIFICATION: u64 = 0xffff_ffff;
    /// Export number of the kernel's messages to a supervisor.
    pub const EXPORT_SUPERVISOR: u64 = 0xffff_fffe;
    /// The badge of `export` as seen by `client`.
    pub const fn of(export: u32, client: u32) -> u64 {
        (export as u64) << EXPORT_SHIFT | client as u64
    }
}

/// A place in source as the address of a panic's fault: from the top down the slab offset of the file's name in the
/// image, the name's bytes, the line. Zero where nothing is known.
pub mod place {
    /// Bits of the line.
    pub const LINE_BITS: u32 = 20;
    /// Bits of the length of the file's name.
    pub const NAME_BITS: u32 = 14;

    /// Slab offset and bytes of the file's name, and the line.
    pub const fn unpack(place: u64) -> (u64, u64, u32) {
        let line = place & ((1 << LINE_BITS) - 1);
        let bytes = place >> LINE_BITS & ((1 << NAME_BITS) - 1);
        (place >> (LINE_BITS + NAME_BITS), bytes, line as u32)
    }
}

/// Version of the kernel's binary interface: calls, frame, start page, gate.
pub const KERNEL_ABI_VERSION: u32 = 1;
