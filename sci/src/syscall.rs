//! The system-call table: the one place that numbers, names and describes kernel calls.
//!
//! A component never issues `syscall` itself: it calls a *gate function* through a slot, and the gate's stubs
//! are generated from this table (see [`crate::gate`]). The functions' SysV signatures are the ABI; which
//! registers travel at `syscall` is private to kernel and gate. Every call answers its status in `rax` and a
//! value in `rdx`. Callers pass every argument of the table, zero where they have none.

/// How a gate stub moves data between the SysV call and the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stub {
    /// Arguments stay in registers (`rdi rsi rdx r10 r8`); result in `rax`, `rdx`.
    Plain,
    /// `(handle, *frame)`: loads the frame's words and method, stores words, badge, generation.
    Call,
    /// `(*frame)`: stores what was received.
    Receive,
    /// `(*frame)`: loads the reply from the frame, stores what is received next.
    ReplyReceive,
}

/// One system call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Number in `eax` at `syscall`, and index of the stub in the gate page.
    pub number: u32,
    /// Name of the gate function, as manifests name it in module `kernel`.
    pub name: &'static str,
    /// Arguments, in order.
    pub arguments: &'static [&'static str],
    /// What `rdx` holds on success; empty where it is zero.
    pub value: &'static str,
    /// How the stub passes data.
    pub stub: Stub,
    /// Whether this kernel has it; otherwise it answers `unsupported`.
    pub implemented: bool,
    /// One sentence.
    pub summary: &'static str,
}

/// Module name under which manifests import gate functions.
pub const KERNEL_MODULE: &str = "kernel";

macro_rules! calls {
    ($($number:literal $name:ident ($($argument:literal),*) $value:literal $stub:ident $implemented:literal $summary:literal;)+) => {
        /// Call numbers by name.
        pub mod number { $(#[doc = $summary] #[allow(non_upper_case_globals, reason = "the names are the table's")] pub const $name: u32 = $number;)+ }
        /// Every call, ordered by number without gaps.
        pub const CALLS: &[Call] = &[$(Call {
            number: $number, name: stringify!($name), arguments: &[$($argument),*], value: $value,
            stub: Stub::$stub, implemented: $implemented, summary: $summary,
        }),+];
    };
}

calls! {
    0 ipc_call("handle", "frame") "" Call true "Sends the frame to an endpoint of strictly higher priority and waits for the reply.";
    1 ipc_recv("frame") "" Receive true "Waits for a message or a notification at the thread's inbox.";
    2 ipc_reply_recv("frame") "" ReplyReceive true "Answers the last message received and waits for the next one.";
    3 ipc_reply("reply", "frame") "" Plain true "Answers a message whose reply was kept; reply 0 is the current one.";
    4 notify_signal("handle", "bits") "" Plain true "Sets bits of a notification and wakes its thread.";
    5 notify_wait("handle", "mask", "wake_time") "bits taken" Plain true "Waits until one of the bits is set or the time has come; time 0 waits without end.";
    6 cap_mint("handle", "mask", "badge") "new handle" Plain true "Makes a capability with fewer methods; the badge changes only where the source has none.";
    7 cap_revoke("handle") "" Plain false "Ends every capability derived from this one.";
    8 cap_drop("handle") "" Plain true "Gives a capability up.";
    9 cap_query("handle", "what", "offset") "type in bits 56-63, method mask below; or an address" Plain true "Tells what a capability is, or where in physical memory an offset of a Memory is.";
    10 mem_create("handle", "bytes", "kind") "new handle, or bytes before" Plain true "Makes a Memory object of zeroed pages from the realm's quota or of a device's registers, or appends pages to a linear memory.";
    11 mem_map("realm", "memory", "offset", "bytes_and_rights", "address") "" Plain true "Maps pages of a Memory; rights: bit 0 write; never executable.";
    12 mem_unmap("realm", "address", "bytes") "" Plain true "Removes mappings made by mem_map.";
    13 mem_clone("memory", "offset", "bytes") "new handle" Plain false "Copies a Memory on write.";
    14 image_admit("authority", "index", "memory", "offset", "bytes") "new handle" Plain true "Checks an image against its digest, signature and every contract rule; memory 0 names the bundle's image `index`.";
    15 realm_create("authority", "image", "tag", "priority") "new handle" Plain true "Makes a realm from an admitted image; its faults go to the caller's inbox.";
    16 realm_control("realm", "operation", "a", "b", "c") "depends on the operation" Plain true "Grants, connects, starts, resets or kills a realm.";
    17 thread_create("realm", "entry", "stack") "new handle" Plain false "Makes a further thread.";
    18 thread_control("thread", "operation", "a", "b") "depends on the operation" Plain true "Controls a thread; thread 0 is the caller: exit, yield, time.";
    19 sched_configure("thread", "parameters") "" Plain false "Sets budget, period and priority.";
    20 irq_control("handle", "operation", "bits") "" Plain true "Binds, acknowledges or masks an interrupt.";
    21 port_access("handle", "operation", "port", "value") "value read" Plain true "Reads or writes an I/O port within the range.";
    22 guest_enter("state") "" Plain false "Runs foreign code until it traps.";
    23 snapshot_take("realm", "memory") "" Plain false "Writes a realm's state to a Memory.";
    24 snapshot_restore("memory", "grants") "" Plain false "Makes a realm from a snapshot.";
    25 trace_attach("realm", "memory", "mode") "" Plain false "Records or replays a realm's call results.";
}

/// Names of the calls, by number. The kernel needs no more of the table, whose sentences would fill it.
pub const NAMES: [&str; CALLS.len()] = {
    let mut names = [""; CALLS.len()];
    let mut number = 0;
    while number < CALLS.len() {
        names[number] = CALLS[number].name;
        number += 1;
    }
    names
};

/// How the calls' stubs pass data, by number.
pub const STUBS: [Stub; CALLS.len()] = {
    let mut stubs = [Stub::Plain; CALLS.len()];
    let mut number = 0;
    while number < CALLS.len() {
        stubs[number] = CALLS[number].stub;
        number += 1;
    }
    stubs
};

/// The number of the call of a name, if the table has one.
pub fn number_of(name: &str) -> Option<u32> {
    NAMES.iter().zip(0..).find(|(known, _)| **known == name).map(|(_, number)| number)
}

/// The call of a number, if the table has one.
pub fn by_number(number: u32) -> Option<&'static Call> {
    CALLS.get(number as usize)
}

/// The call of a name, if the table has one.
pub fn by_name(name: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.name == name)
}

const _: () = {
    let mut i = 0;
    while i < CALLS.len() {
        assert!(CALLS[i].number as usize == i, "call numbers are indices");
        i += 1;
    }
    assert!(CALLS.len() <= 26, "the architecture allows 26 calls");
};

/// Kinds of `mem_create`.
pub mod memory_kind {
    /// A Memory object.
    pub const OBJECT: u64 = 0;
    /// Pages behind those that the caller's linear memory 0 has; for another memory its index is added. They are the
    /// realm's until it ends. `bytes` are whole pages of 64 KiB.
    pub const LINEAR: u64 = 1;
    /// A Memory object of a device's registers: any kind from here on is their physical address, a whole page's.
    pub const DEVICE: u64 = 4096;
}

/// What `cap_query` tells.
pub mod query {
    /// The capability's type and methods.
    pub const TYPE: u64 = 0;
    /// The physical address behind an offset of a Memory. The page stays where it is until the machine ends.
    pub const ADDRESS: u64 = 1;
}

/// Operations of `realm_control`.
pub mod realm_operation {
    /// `a` capability index, `b` handle held by the caller, `c` method mask: installs a capability, minted with the badge 0.
    pub const GRANT: u64 = 0;
    /// `a` capability index, `b` server realm's handle, `c` export: connects a required interface to a server's export
    /// with the manifest's method mask and a fresh client number; value: the client number.
    pub const CONNECT: u64 = 1;
    /// `a` capability index, `b` Memory handle, `c` bytes: maps the channel's window in this realm, the client.
    pub const WINDOW: u64 = 2;
    /// `a` client number, `b` Memory handle, `c` bytes: maps a client's window in this realm, the server.
    pub const CLIENT_WINDOW: u64 = 3;
    /// `a` index, `b` value: sets a parameter.
    pub const PARAMETER: u64 = 4;
    /// Starts the main thread.
    pub const START: u64 = 5;
    /// Kills the realm: its callers get `peer-gone`, its frames come back.
    pub const KILL: u64 = 6;
    /// Puts the realm back to its first state, generation + 1, grants kept; `START` runs it again.
    pub const RESET: u64 = 7;
    /// Value: 0 new, 1 running, 2 faulted, 3 ended, 4 killed.
    pub const STATE: u64 = 8;
    /// `a` capability index, `b` bit: makes a Notification of the realm's own and installs it. Signals reach the realm's
    /// inbox as that bit; with the bit 64 they are only waited for.
    pub const NOTIFICATION: u64 = 9;
    /// `a` pages: how many the Memory that the realm makes may have at one time; 0 until it is set.
    pub const QUOTA: u64 = 10;
}

/// Operations of `thread_control`. The first argument is 0 for the caller, a Clock for `TIME`.
pub mod thread_operation {
    /// Ends the calling thread; `a` is the exit code, 0 for success.
    pub const EXIT: u64 = 0;
    /// Lets others of the same priority run.
    pub const YIELD: u64 = 1;
    /// Value: the time-stamp counter.
    pub const TIME: u64 = 2;
    /// Stops the caller with the fault number `a`: its code found what it may not pass on. `b` is the fault's address:
    /// for a panic its place, see [`crate::layout::place`].
    pub const FAULT: u64 = 3;
    /// Ends the run with code `a`; the first argument is a Machine capability.
    pub const STOP: u64 = 4;
}

/// Operations of `irq_control`.
pub mod irq_operation {
    /// Delivers the interrupt to the caller's inbox as the given notification bits, and unmasks it.
    pub const BIND: u64 = 0;
    /// The interrupt was handled; unmasks it.
    pub const ACKNOWLEDGE: u64 = 1;
    /// Masks the interrupt.
    pub const MASK: u64 = 2;
}

/// Operations of `port_access`: width in bytes in bits 0–3, direction in bit 4.
pub mod port_operation {
    /// Set in a write.
    pub const WRITE: u64 = 16;
    /// Read one byte.
    pub const READ_8: u64 = 1;
    /// Write one byte.
    pub const WRITE_8: u64 = 1 | WRITE;
    /// Read two bytes.
    pub const READ_16: u64 = 2;
    /// Write two bytes.
    pub const WRITE_16: u64 = 2 | WRITE;
    /// Read four bytes.
    pub const READ_32: u64 = 4;
    /// Write four bytes.
    pub const WRITE_32: u64 = 4 | WRITE;
}
