//! The parent's side.

use crate::Limits;
use crate::channel::{self, ChannelError, Outlet, Voice};
use crate::inside::MARK;
use crate::wait;
use crate::watch::Watch;
use rustix::event::PollFlags;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, BufReader, IoSlice, PipeReader, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes of what a child said last.
const LAST_WORDS_BYTES: u64 = 4096;

/// Whether this program's `main` serves children.
static ALLOWED: AtomicBool = AtomicBool::new(false);

pub(crate) fn allow() {
    ALLOWED.store(true, Ordering::Relaxed);
}

/// Why a child was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program's own file would not know what to do.
    #[error("this program does not call `runtime_sandbox::start` first thing in its `main`")]
    NotServed,
    /// The kernel refused.
    #[error("a child process cannot be started: {0}")]
    Io(#[from] io::Error),
}

/// How a child ended that should have gone on; what it did, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its processor time is used up.
    ProcessorTime {
        /// Seconds that it had.
        seconds: u64,
    },
    /// Its memory is used up.
    Memory {
        /// Bytes that it had.
        bytes: u64,
    },
    /// It did not answer in time.
    Late,
    /// It made a system call that its policy does not name.
    Forbidden,
    /// A signal ended it.
    Signal(i32),
    /// It ended by itself.
    Exited {
        /// With this code.
        code: i32,
        /// The last line that it wrote to its standard errors.
        said: String,
    },
    /// It answered something else than what was asked.
    Nonsense,
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProcessorTime { seconds } => {
                write!(formatter, "ran out of its {seconds} s of processor time")
            }
            Self::Memory { bytes } => write!(formatter, "ran out of its {} MiB of memory", bytes >> 20),
            Self::Late => write!(formatter, "did not answer in time"),
            Self::Forbidden => write!(formatter, "made a system call that it may not make, and was killed"),
            Self::Signal(number) => match name(*number) {
                Some(name) => write!(formatter, "was killed by signal {number} ({name})"),
                None => write!(formatter, "was killed by signal {number}"),
            },
            Self::Exited { code, said } if said.is_empty() => write!(formatter, "ended with code {code}"),
            Self::Exited { code, said } => write!(formatter, "ended with code {code}: {said}"),
            Self::Nonsense => write!(formatter, "answered something else than what was asked"),
        }
    }
}

fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGINT => "SIGINT",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXFSZ => "SIGXFSZ",
        _ => return None,
    })
}

/// A child process. Dropping it ends it.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    /// What it says comes along a pipe of its own: what is read from a socket wakes who reads at its other end.
    channel: BufReader<PipeReader>,
    watch: Watch,
    voice: Voice,
    deadline: Option<Instant>,
    limits: Limits,
}

impl Child {
    /// Starts this program again in a role. With `time`, a child that has not sent what is waited for when so much time
    /// has passed from now is ended. The child does not outlive the thread that starts it.
    pub fn spawn(role: &str, limits: Limits, time: Option<Duration>) -> Result<Self, SpawnError> {
        if !ALLOWED.load(Ordering::Relaxed) {
            return Err(SpawnError::NotServed);
        }
        let (ours, theirs) = UnixStream::pair()?;
        let (said, says) = io::pipe()?;
        let process = Command::new("/proc/self/exe")
            .args([MARK, role])
            .env_clear()
            .current_dir("/")
            // The terminal's Ctrl-C comes to the parent alone, who ends its children in order.
            .process_group(0)
            .stdin(OwnedFd::from(theirs))
            .stdout(says)
            .stderr(Stdio::piped())
            .spawn()?;
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        if deadline.is_some() {
            ours.set_write_timeout(time)?;
        }
        let voice = Voice::new(Until { inner: ours, deadline });
        let mut child =
            Self { process, channel: BufReader::new(said), watch: Watch::default(), voice, deadline, limits };
        // A child that is gone already is noticed at the first question.
        let _ = child.say(&limits, &[]);
        Ok(child)
    }

    /// The kernel's number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a message.
    pub fn send(&mut self, message: &impl Serialize, payload: &[u8]) -> Result<(), Ended> {
        self.say(message, payload).map_err(|error| self.end(&error))
    }

    /// The way to the child, for other threads. What it does not take, because it has ended, is noticed by whoever
    /// receives.
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// Receives one, with at most so many bytes beside its head.
    pub fn receive<T: DeserializeOwned>(&mut self, most: u32) -> Result<(T, Vec<u8>), Ended> {
        let received = self.wait(most);
        received.map_err(|error| self.end(&error))
    }

    fn wait<T: DeserializeOwned>(&mut self, most: u32) -> Result<(T, Vec<u8>), ChannelError> {
        let deadline = self.deadline;
        if deadline.is_none() && self.channel.buffer().is_empty() {
            self.watch.wait(self.channel.get_ref())?;
        }
        channel::receive(&mut Until { inner: &mut self.channel, deadline }, most)
    }

    fn say(&mut self, message: &impl Serialize, payload: &[u8]) -> Result<(), ChannelError> {
        self.voice.send(message, payload)
    }

    /// Ends it; tells why it ended, which may be something that came before.
    fn end(&mut self, error: &ChannelError) -> Ended {
        // One that has ended already keeps its own reason.
        let _ = self.process.kill();
        let status = self.process.wait();
        match error {
            ChannelError::TooLarge { .. } | ChannelError::Malformed => return Ended::Nonsense,
            ChannelError::Io(error) if is_late(error) => return Ended::Late,
            ChannelError::Io(_) => {}
        }
        let Ok(status) = status else { return Ended::Signal(libc::SIGKILL) };
        let said = self.last_words();
        match status.signal() {
            Some(libc::SIGSYS) => Ended::Forbidden,
            Some(libc::SIGXCPU) => {
                Ended::ProcessorTime { seconds: self.limits.cpu_seconds.unwrap_or_default() }
            }
            Some(_) if said.starts_with("memory allocation of") => {
                Ended::Memory { bytes: self.limits.memory_bytes }
            }
            Some(signal) => Ended::Signal(signal),
            None => Ended::Exited { code: status.code().unwrap_or_default(), said },
        }
    }

    /// The last line of what a child that has ended wrote to its standard errors.
    fn last_words(&mut self) -> String {
        let mut bytes = Vec::new();
        if let Some(errors) = self.process.stderr.take() {
            // What cannot be read was not said.
            let _ = errors.take(LAST_WORDS_BYTES).read_to_end(&mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        let is_news = |line: &&str| !line.is_empty() && !line.starts_with("note: ");
        text.lines().map(str::trim).rfind(is_news).unwrap_or_default().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has ended already is only waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is left until a time; `None` for ever.
fn left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    let Some(deadline) = deadline else { return Ok(None) };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads and writes until a time.
struct Until<S> {
    inner: S,
    deadline: Option<Instant>,
}

impl Read for Until<&mut BufReader<PipeReader>> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some(left) = left(self.deadline)?
            && self.inner.buffer().is_empty()
        {
            wait(self.inner.get_ref(), PollFlags::IN, left)?;
        }
        self.inner.read(bytes)
    }
}

impl<S: Write> Write for Until<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        left(self.deadline)?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Outlet for Until<UnixStream> {
    fn write_with(&mut self, bytes: &[u8], descriptors: [BorrowedFd<'_>; 2]) -> io::Result<usize> {
        left(self.deadline)?;
        let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut beside = SendAncillaryBuffer::new(&mut room);
        beside.push(SendAncillaryMessage::ScmRights(&descriptors));
        Ok(sendmsg(&self.inner, &[IoSlice::new(bytes)], &mut beside, SendFlags::NOSIGNAL)?)
    }
}
