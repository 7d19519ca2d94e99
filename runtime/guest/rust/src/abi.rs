//! Numbers and calls, generated from the tables of `sci`.

/// Method `write` of a console.
pub const CONSOLE_WRITE: u8 = 0;

/// Bytes of a channel's window.
pub const WINDOW_BYTES_MAX: u64 = 65536;

/// The message frame.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod frame {
    pub const BYTES: u64 = 128;
    pub const METHOD: u64 = 48;
    pub const STATUS: u64 = 56;
    pub const BADGE: u64 = 64;
    pub const GENERATION: u64 = 72;
    pub const CAPABILITIES: u64 = 80;
    pub const ACCEPTS: u64 = 96;
    pub const METHOD_MASK: u64 = 255;
}

/// The start page.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod start {
    pub const PAGE: u64 = 0x3fff_f000;
    pub const SLAB_IMAGE_SPAN: u64 = 0x4000_0000;
    pub const WORDS: u64 = 512;
    pub const GENERATION: u64 = 8;
    pub const CAPABILITIES: u64 = 64;
    pub const CAPABILITY_BYTES: u64 = 32;
    pub const ENTRY_HANDLE: u64 = 0;
    pub const ENTRY_WINDOW: u64 = 8;
    pub const ENTRY_WINDOW_BYTES: u64 = 16;
    pub const PARAMETERS: u64 = 2112;
    pub const CLIENT_WINDOWS: u64 = 2624;
    pub const CLIENT_WINDOW_BYTES: u64 = 16;
    pub const CLIENTS_MAX: u64 = 64;
}

/// The info page.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod info {
    pub const PAGE: u64 = 0x3fff_c000;
    pub const TSC_HZ: u64 = 0;
    pub const TSC_BOOT: u64 = 8;
}

/// Badges.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod badge {
    pub const EXPORT_SHIFT: u64 = 32;
    pub const CLIENT_MASK: u64 = 0xffff_ffff;
    pub const EXPORT_NOTIFICATION: u64 = 0xffff_ffff;
}

/// A panic's place as the address of its fault.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod place {
    pub const LINE_BITS: u32 = 20;
    pub const NAME_BITS: u32 = 14;
}

/// Faults that the runtime raises itself.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod fault {
    pub const PANIC: u64 = 25;
}

/// Operations of `thread_control`.
#[allow(missing_docs, reason = "documented in `sci`")]
pub mod thread_operation {
    pub const EXIT: u64 = 0;
    pub const FAULT: u64 = 3;
}

/// What a call answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Status {
    /// The call did what it says.
    Ok = 0,
    /// The capability was revoked.
    Revoked = 1,
    /// The capability's lease has ended.
    Expired = 2,
    /// A call goes only to a component of strictly higher priority.
    Priority = 3,
    /// The caller's remaining budget is below the method's bound.
    Budget = 4,
    /// The object is in a state that does not allow this now.
    Busy = 5,
    /// The server died; the frame holds the generation that died.
    PeerGone = 6,
    /// A quota or a fixed pool is exhausted.
    Quota = 7,
    /// The call is in the table but not in this kernel.
    Unsupported = 8,
    /// An argument is outside what the call accepts.
    Argument = 9,
    /// Admission refused the image; the value is the contract rule's number.
    Refused = 10,
    /// The launcher lacks authority that it would have to pass on.
    Authority = 11,
    /// Nothing is there: no such image, no message waiting.
    Absent = 12,
    /// The server's answer does not follow its interface.
    Malformed = 13,
}

impl Status {
    /// The status of a number, if there is one.
    pub const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Ok,
            1 => Self::Revoked,
            2 => Self::Expired,
            3 => Self::Priority,
            4 => Self::Budget,
            5 => Self::Busy,
            6 => Self::PeerGone,
            7 => Self::Quota,
            8 => Self::Unsupported,
            9 => Self::Argument,
            10 => Self::Refused,
            11 => Self::Authority,
            12 => Self::Absent,
            13 => Self::Malformed,
            _ => return None,
        })
    }

    /// The number that travels.
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Priority => "priority",
            Self::Budget => "budget",
            Self::Busy => "busy",
            Self::PeerGone => "peer-gone",
            Self::Quota => "quota",
            Self::Unsupported => "unsupported",
            Self::Argument => "argument",
            Self::Refused => "refused",
            Self::Authority => "authority",
            Self::Absent => "absent",
            Self::Malformed => "malformed",
        }
    }
}

/// What a kernel call answers.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Answer {
    /// Status.
    pub status: u64,
    /// Value.
    pub value: u64,
}

unsafe extern "C" {
    /// Sends the frame to an endpoint of strictly higher priority and waits for the reply.
    pub fn ipc_call(handle: u64, frame: *mut crate::message::Frame) -> Answer;

    /// Waits for a message or a notification at the thread's inbox.
    pub fn ipc_recv(frame: *mut crate::message::Frame) -> Answer;

    /// Answers the last message received and waits for the next one.
    pub fn ipc_reply_recv(frame: *mut crate::message::Frame) -> Answer;

    /// Answers a message whose reply was kept; reply 0 is the current one.
    pub fn ipc_reply(reply: u64, frame: *mut crate::message::Frame) -> Answer;

    /// Sets bits of a notification and wakes its thread.
    pub fn notify_signal(handle: u64, bits: u64) -> Answer;

    /// Waits until one of the bits is set or the time has come; time 0 waits without end.
    pub fn notify_wait(handle: u64, mask: u64, wake_time: u64) -> Answer;

    /// Makes a capability with fewer methods; the badge changes only where the source has none.
    pub fn cap_mint(handle: u64, mask: u64, badge: u64) -> Answer;

    /// Gives a capability up.
    pub fn cap_drop(handle: u64) -> Answer;

    /// Tells what a capability is, or where in physical memory an offset of a Memory is.
    pub fn cap_query(handle: u64, what: u64, offset: u64) -> Answer;

    /// Makes a Memory object of zeroed pages from the realm's quota or of a device's registers, or appends pages to a linear memory.
    pub fn mem_create(handle: u64, bytes: u64, kind: u64) -> Answer;

    /// Maps pages of a Memory; rights: bit 0 write; never executable.
    pub fn mem_map(realm: u64, memory: u64, offset: u64, bytes_and_rights: u64, address: u64) -> Answer;

    /// Removes mappings made by mem_map.
    pub fn mem_unmap(realm: u64, address: u64, bytes: u64) -> Answer;

    /// Checks an image against its digest, signature and every contract rule; memory 0 names the bundle's image `index`.
    pub fn image_admit(authority: u64, index: u64, memory: u64, offset: u64, bytes: u64) -> Answer;

    /// Makes a realm from an admitted image; its faults go to the caller's inbox.
    pub fn realm_create(authority: u64, image: u64, tag: u64, priority: u64) -> Answer;

    /// Grants, connects, starts, resets or kills a realm.
    pub fn realm_control(realm: u64, operation: u64, a: u64, b: u64, c: u64) -> Answer;

    /// Controls a thread; thread 0 is the caller: exit, yield, time.
    pub fn thread_control(thread: u64, operation: u64, a: u64, b: u64) -> Answer;

    /// Binds, acknowledges or masks an interrupt.
    pub fn irq_control(handle: u64, operation: u64, bits: u64) -> Answer;

    /// Reads or writes an I/O port within the range.
    pub fn port_access(handle: u64, operation: u64, port: u64, value: u64) -> Answer;
}

/// Kernel calls that carry out methods of capabilities; none is given memory.
pub mod method {
    use super::Answer;

    /// Sets bits of a notification and wakes its thread.
    #[inline]
    pub fn notify_signal(handle: u64, bits: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::notify_signal(handle, bits) }
    }

    /// Waits until one of the bits is set or the time has come; time 0 waits without end.
    #[inline]
    pub fn notify_wait(handle: u64, mask: u64, wake_time: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::notify_wait(handle, mask, wake_time) }
    }

    /// Makes a capability with fewer methods; the badge changes only where the source has none.
    #[inline]
    pub fn cap_mint(handle: u64, mask: u64, badge: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::cap_mint(handle, mask, badge) }
    }

    /// Tells what a capability is, or where in physical memory an offset of a Memory is.
    #[inline]
    pub fn cap_query(handle: u64, what: u64, offset: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::cap_query(handle, what, offset) }
    }

    /// Makes a Memory object of zeroed pages from the realm's quota or of a device's registers, or appends pages to a linear memory.
    #[inline]
    pub fn mem_create(handle: u64, bytes: u64, kind: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::mem_create(handle, bytes, kind) }
    }

    /// Checks an image against its digest, signature and every contract rule; memory 0 names the bundle's image `index`.
    #[inline]
    pub fn image_admit(authority: u64, index: u64, memory: u64, offset: u64, bytes: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::image_admit(authority, index, memory, offset, bytes) }
    }

    /// Makes a realm from an admitted image; its faults go to the caller's inbox.
    #[inline]
    pub fn realm_create(authority: u64, image: u64, tag: u64, priority: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::realm_create(authority, image, tag, priority) }
    }

    /// Grants, connects, starts, resets or kills a realm.
    #[inline]
    pub fn realm_control(realm: u64, operation: u64, a: u64, b: u64, c: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::realm_control(realm, operation, a, b, c) }
    }

    /// Controls a thread; thread 0 is the caller: exit, yield, time.
    #[inline]
    pub fn thread_control(thread: u64, operation: u64, a: u64, b: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::thread_control(thread, operation, a, b) }
    }

    /// Binds, acknowledges or masks an interrupt.
    #[inline]
    pub fn irq_control(handle: u64, operation: u64, bits: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::irq_control(handle, operation, bits) }
    }

    /// Reads or writes an I/O port within the range.
    #[inline]
    pub fn port_access(handle: u64, operation: u64, port: u64, value: u64) -> Answer {
        // SAFETY: the call passes no memory.
        unsafe { super::port_access(handle, operation, port, value) }
    }
}
