//! The child's side.

use crate::channel::{self, ChannelError};
use crate::filter::{self, Policy};
use crate::{Limits, child};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, BufReader, Read, Write};
use std::process::exit;

/// The first argument of a child.
pub(crate) const MARK: &str = "space.child";
/// Descriptors that a child may have at a time.
const DESCRIPTORS_MAX: u64 = 64;
/// How a child ends whose work failed.
const FAILED: i32 = 1;
/// How one ends whose role is unknown.
const REFUSED: i32 = 2;

/// What a child does: its name, and its work, after which it ends. The parent is told of an error that ends it.
pub type Role = (&'static str, fn(Inside) -> Result<(), Box<dyn Error>>);

/// Why a child did not give up its rights.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// A limit is refused.
    #[error("a limit is refused: {0}")]
    Limit(#[from] rustix::io::Errno),
    /// The filter cannot be made.
    #[error("the filter of system calls cannot be made: {0}")]
    Filter(#[from] seccompiler::BackendError),
    /// The kernel does not take it.
    #[error("the filter of system calls is refused: {0}")]
    Refused(#[from] seccompiler::Error),
}

/// To be called first thing in `main`: a process that was started as a child does its work here and ends; in every other
/// it returns, and from then on [`crate::Child::spawn`] starts children.
pub fn start(roles: &[Role]) {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(MARK)) {
        child::allow();
        return;
    }
    let name = arguments.next();
    let Some((_, serve)) = roles.iter().find(|(role, _)| name.as_deref() == Some(OsStr::new(role))) else {
        exit(REFUSED);
    };
    let done = begin().map_err(Into::into).and_then(serve);
    if let Err(error) = done {
        // There is nobody else to tell.
        let _ = writeln!(io::stderr(), "{error}");
        exit(FAILED);
    }
    exit(0);
}

/// Takes the limits, which are the first message.
fn begin() -> Result<Inside, ChannelError> {
    let mut channel = BufReader::new(Parent);
    let (limits, _) = channel::receive(&mut channel, 0)?;
    limit(&limits).map_err(io::Error::from)?;
    Ok(Inside { channel })
}

fn limit(limits: &Limits) -> Result<(), rustix::io::Errno> {
    // A parent that ends takes its children along.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let set = |resource, soft, hard| setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) });
    set(Resource::Core, 0, 0)?;
    set(Resource::Data, limits.memory_bytes, limits.memory_bytes)?;
    set(Resource::Fsize, limits.file_bytes, limits.file_bytes)?;
    set(Resource::Nofile, DESCRIPTORS_MAX, DESCRIPTORS_MAX)?;
    if let Some(seconds) = limits.cpu_seconds {
        // The signal at the lower one tells why; nothing outlives the upper one.
        set(Resource::Cpu, seconds, seconds.saturating_add(1))?;
    }
    Ok(())
}

/// A child, and the way to its parent.
#[derive(Debug)]
pub struct Inside {
    channel: BufReader<Parent>,
}

impl Inside {
    /// From here on, in every thread, the policy's system calls are all there are. What was forbidden stays so.
    pub fn restrict(&mut self, policy: Policy) -> Result<(), EnterError> {
        for program in filter::programs(policy)? {
            seccompiler::apply_filter_all_threads(&program)?;
        }
        Ok(())
    }

    /// Sends a message to the parent.
    pub fn send(&mut self, message: &impl Serialize, payload: &[u8]) -> Result<(), ChannelError> {
        channel::send(self.channel.get_mut(), message, payload)
    }

    /// Receives one, with at most so many bytes beside its head.
    pub fn receive<T: DeserializeOwned>(&mut self, most: u32) -> Result<(T, Vec<u8>), ChannelError> {
        channel::receive(&mut self.channel, most)
    }
}

/// The parent's end of the socket, which is the standard input.
#[derive(Debug)]
struct Parent;

impl Read for Parent {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), bytes)?)
    }
}

impl Write for Parent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdin(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
