//! The WASI preview 1 shim: what toolchains import whether their programs need it or not.
//!
//! These imports always bind and are no needs. What they can do is bounded by the capabilities of the Guest ABI.

use super::GuestCapability::{self, Clock, Random, SysLog, SysSleep, SysYield};
use super::signature::Role::{Capacity, Handle, Out, Plain, Pointer};
use super::signature::ValueType::{I32, I64};
use super::signature::{Parameter, Signature};
use Access::{Always, ReducedWithout, Refused, RefusedWithout};
use Errno::{Badf, Notcapable};

/// Module name of the shim. The snapshot before it, `wasi_unstable`, is unknown here: no toolchain that can import
/// the Guest ABI emits it, and some of its records differ.
pub const WASI_MODULE: &str = "wasi_snapshot_preview1";

/// Error numbers that the shim answers, as WASI numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Errno {
    /// It did what it says.
    Success = 0,
    /// No such descriptor.
    Badf = 8,
    /// A pointer leaves the guest's memory.
    Fault = 21,
    /// An argument is outside what the function accepts.
    Inval = 28,
    /// The descriptor cannot seek.
    Spipe = 70,
    /// The capability is missing.
    Notcapable = 76,
}

impl Errno {
    /// Every number that the shim answers, ascending.
    pub const ALL: &'static [Self] =
        &[Self::Success, Self::Badf, Self::Fault, Self::Inval, Self::Spipe, Self::Notcapable];

    /// Its name in WASI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Badf => "BADF",
            Self::Fault => "FAULT",
            Self::Inval => "INVAL",
            Self::Spipe => "SPIPE",
            Self::Notcapable => "NOTCAPABLE",
        }
    }

    /// The number.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

/// What bounds a function of the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it gives no authority.
    Always,
    /// It answers the error whatever is granted.
    Refused(Errno),
    /// It answers the error to a space without the capability.
    RefusedWithout(GuestCapability, Errno),
    /// To a space without the capability it does what the words say.
    ReducedWithout(GuestCapability, &'static str),
}

impl Access {
    /// The capability that makes a difference, if one does.
    pub const fn capability(self) -> Option<GuestCapability> {
        match self {
            Always | Refused(_) => None,
            RefusedWithout(capability, _) | ReducedWithout(capability, _) => Some(capability),
        }
    }
}

/// A function of the shim.
#[derive(Clone, Copy, Debug)]
pub struct WasiFunction {
    /// Its name.
    pub item: &'static str,
    /// Its type.
    pub signature: Signature,
    /// What bounds it.
    pub access: Access,
    /// One sentence.
    pub summary: &'static str,
}

macro_rules! wasi {
    ($($item:ident ($($name:ident: $value_type:ident $role:ident),*) ($($result:ident)?) $access:expr, $summary:literal;)+) => {
        /// Every function of the shim; any other name of [`WASI_MODULE`] is refused.
        pub const WASI_FUNCTIONS: &[WasiFunction] = &[$(WasiFunction {
            item: stringify!($item),
            signature: Signature {
                parameters: &[$(Parameter { name: stringify!($name), value_type: $value_type, role: $role }),*],
                results: &[$($result)?],
            },
            access: $access,
            summary: $summary,
        }),+];
    };
}

// Descriptors 1 and 2 are the log, so without `sys.log` there is no descriptor at all. To wait without
// `sys.sleep` is refused rather than cut short: a guest that waits for a clock that stands still would never end.
wasi! {
    args_get (argv: I32 Pointer, argv_buf: I32 Pointer) (I32) Always, "Writes the arguments: the space's name, and what its launcher adds.";
    args_sizes_get (argc: I32 Pointer, argv_buf_size: I32 Pointer) (I32) Always, "Writes the number and size of the arguments.";
    clock_time_get (id: I32 Plain, precision: I64 Plain, time: I32 Pointer) (I32) ReducedWithout(Clock, "the time is the activation's start"), "Writes the time of the realtime or the monotonic clock; INVAL for others.";
    environ_get (environ: I32 Pointer, environ_buf: I32 Pointer) (I32) Always, "Writes the environment: what the launcher gives, nothing by itself.";
    environ_sizes_get (environc: I32 Pointer, environ_buf_size: I32 Pointer) (I32) Always, "Writes the number and size of the environment's variables.";
    fd_close (fd: I32 Handle) (I32) RefusedWithout(SysLog, Badf), "Does nothing to descriptors 1 and 2; BADF for others.";
    fd_fdstat_get (fd: I32 Handle, stat: I32 Pointer) (I32) RefusedWithout(SysLog, Badf), "Describes descriptors 1 and 2 as character devices to write to; BADF for others.";
    fd_seek (fd: I32 Handle, offset: I64 Plain, whence: I32 Plain, new_offset: I32 Pointer) (I32) RefusedWithout(SysLog, Badf), "SPIPE for descriptors 1 and 2, BADF for others.";
    fd_write (fd: I32 Handle, iovs: I32 Pointer, iovs_len: I32 Plain, nwritten: I32 Pointer) (I32) RefusedWithout(SysLog, Badf), "Writes to the log through descriptors 1 and 2, whose lines end at newlines and at the limit; BADF for others.";
    poll_oneoff (subscriptions: I32 Pointer, events: I32 Pointer, nsubscriptions: I32 Plain, nevents: I32 Pointer) (I32) RefusedWithout(SysSleep, Notcapable), "Waits for the first of the clocks subscribed to.";
    proc_exit (code: I32 Plain) () Always, "Ends the guest; after `_start` with 0 it goes on to `on_init`, and another code than 0 says that it failed.";
    random_get (buf: I32 Out, buf_len: I32 Capacity) (I32) ReducedWithout(Random, "the bytes follow from the space's seed"), "Fills the buffer with random bytes.";
    sched_yield () (I32) ReducedWithout(SysYield, "it returns at once"), "Lets others run.";
    fd_read (fd: I32 Handle, iovs: I32 Pointer, iovs_len: I32 Plain, nread: I32 Pointer) (I32) Refused(Badf), "There is nothing to read from.";
    fd_prestat_get (fd: I32 Handle, prestat: I32 Pointer) (I32) Refused(Badf), "No folder is open at the start.";
    fd_prestat_dir_name (fd: I32 Handle, path: I32 Out, path_len: I32 Capacity) (I32) Refused(Badf), "No folder is open at the start.";
    fd_filestat_get (fd: I32 Handle, stat: I32 Pointer) (I32) Refused(Badf), "There are no files.";
    path_open (fd: I32 Handle, dirflags: I32 Plain, path: I32 Pointer, path_len: I32 Plain, oflags: I32 Plain, rights_base: I64 Plain, rights_inheriting: I64 Plain, fdflags: I32 Plain, opened_fd: I32 Pointer) (I32) Refused(Notcapable), "There are no files.";
    fd_fdstat_set_flags (fd: I32 Handle, flags: I32 Plain) (I32) RefusedWithout(SysLog, Badf), "Does nothing to descriptors 1 and 2; BADF for others.";
}
