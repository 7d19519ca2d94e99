//! The child's side.

use crate::channel::{self, ChannelError, Outlet, Voice};
use crate::filter::{self, Policy};
use crate::lane::{self, LaneEnd};
use crate::{Limits, child};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, BufReader, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::exit;

/// The first argument of a child.
pub(crate) const MARK: &str = "space.child";
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
    let mut channel = BufReader::new(Intake::default());
    let (limits, _) = channel::receive(&mut channel, 0)?;
    limit(&limits).map_err(io::Error::from)?;
    Ok(Inside { channel, voice: Voice::new(Parent) })
}

fn limit(limits: &Limits) -> Result<(), rustix::io::Errno> {
    // A parent that ends takes its children along.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let set = |resource, soft, hard| setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) });
    set(Resource::Core, 0, 0)?;
    set(Resource::Data, limits.memory_bytes, limits.memory_bytes)?;
    set(Resource::Fsize, limits.file_bytes, limits.file_bytes)?;
    // Nobody may allow himself more than he was allowed.
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let descriptors = limits.descriptors.min(allowed);
    set(Resource::Nofile, descriptors, descriptors)?;
    lane::most_descriptors();
    if let Some(seconds) = limits.cpu_seconds {
        // The signal at the lower one tells why; nothing outlives the upper one.
        set(Resource::Cpu, seconds, seconds.saturating_add(1))?;
    }
    Ok(())
}

/// From here on, in every thread of this process, the policy's system calls are all there are. What was forbidden stays
/// so.
pub fn restrict(policy: Policy) -> Result<(), EnterError> {
    for program in filter::programs(policy)? {
        seccompiler::apply_filter_all_threads(&program)?;
    }
    Ok(())
}

/// A child, and the way to its parent.
#[derive(Debug)]
pub struct Inside {
    channel: BufReader<Intake>,
    voice: Voice,
}

impl Inside {
    /// Sends a message to the parent.
    pub fn send(&mut self, message: &impl Serialize, payload: &[u8]) -> Result<(), ChannelError> {
        self.voice.send(message, payload)
    }

    /// The way to the parent, for other threads.
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Receives one, with at most so many bytes beside its head.
    pub fn receive<T: DeserializeOwned>(&mut self, most: u32) -> Result<(T, Vec<u8>), ChannelError> {
        channel::receive(&mut self.channel, most)
    }

    /// The end of the lane that came with the oldest of the messages that had one; each is given once. None where this
    /// process had no descriptors left for it.
    pub fn lane(&mut self) -> Option<LaneEnd> {
        self.channel.get_mut().ends.pop_front().flatten().map(LaneEnd::new)
    }
}

/// What comes from the parent, along the standard input.
#[derive(Debug, Default)]
struct Intake {
    /// Ends of lanes that came with what was read; none where there was no room for one.
    ends: VecDeque<Option<[OwnedFd; 2]>>,
}

impl Read for Intake {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut beside = RecvAncillaryBuffer::new(&mut room);
        let bytes = &mut [IoSliceMut::new(bytes)];
        let read = recvmsg(rustix::stdio::stdin(), bytes, &mut beside, RecvFlags::CMSG_CLOEXEC)?;
        let mut is_cut = read.flags.contains(ReturnFlags::CTRUNC);
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(mut descriptors) = message
                && let (Some(messages), Some(notes)) = (descriptors.next(), descriptors.next())
            {
                self.ends.push_back(lane::leaves_room(&notes).then_some([messages, notes]));
                is_cut = false;
            }
        }
        if is_cut {
            self.ends.push_back(None);
        }
        Ok(read.bytes)
    }
}

/// What goes to the parent, along the standard output.
#[derive(Debug)]
struct Parent;

impl Write for Parent {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Parent {
    fn write_with(&mut self, _: &[u8], _: [BorrowedFd<'_>; 2]) -> io::Result<usize> {
        // A child has nothing to give.
        Err(io::ErrorKind::Unsupported.into())
    }
}
