//! One run of the machine: start QEMU, relay its console, end it, say how it ended.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nanokernel_core::exit::Exit;
use sci::layout::KERNEL_LINE;

use crate::fault::FaultLine;
use crate::qemu::{Arguments, Machine, Qemu};

/// How long the console may be silent before the other ends are looked at.
const TICK: Duration = Duration::from_millis(50);
/// Bytes of QEMU's own messages that are kept.
const MESSAGES_BYTES_MAX: u64 = 16 * 1024;
/// Names of the kernel's and the bundle's file in the run's folder.
const KERNEL: &str = "kernel";
/// See [`KERNEL`].
const MODULE: &str = "bundle";
/// The socket of the second serial port.
const LINE: &str = "line";
/// See [`KERNEL`].
const DISK: &str = "disk";
/// Pieces of the console that wait to be relayed.
pub(crate) const CHUNKS: usize = 64;
/// Bytes of a console line that are looked at.
const LINE_BYTES_MAX: usize = 4096;

/// When a run ends that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After this time, as asked: a success.
    After(Duration),
    /// It should have ended by itself within this time.
    Overdue(Duration),
    /// Never.
    Never,
}

/// What to run.
pub struct Run<'a> {
    /// The QEMU that runs it.
    pub qemu: &'a Qemu,
    /// The kernel.
    pub kernel: &'a [u8],
    /// Policy page and bundle.
    pub module: &'a [u8],
    /// The machine.
    pub machine: Machine,
    /// Its memory, in MiB.
    pub memory_mib: u32,
    /// The kernel's command line.
    pub words: &'a [String],
    /// Wait for a debugger.
    pub gdb: bool,
    /// Its disk, for a machine that has one.
    pub disk: Option<PathBuf>,
    /// Write interrupts and resets to this file.
    pub trace: Option<PathBuf>,
    /// Count instructions.
    pub count: bool,
    /// Keep the kernel's own lines from the console.
    pub is_quiet: bool,
    /// Who gets the other end of the machine's second serial port; without one there is no such port.
    pub line: Option<Sender<UnixStream>>,
    /// When to end it.
    pub stop: Stop,
    /// Set by whoever wants the run to end.
    pub interrupted: &'a AtomicBool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The kernel said how.
    Exit(Exit),
    /// The time that was asked for is over.
    Stopped,
    /// It should have ended and did not.
    Overdue(Duration),
    /// Someone ended it.
    Interrupted,
    /// The machine reset itself: a triple fault.
    Reset,
    /// QEMU itself failed, with these words.
    Qemu(String),
}

/// Whether the kernel's word is that all went well.
pub const fn is_success(exit: Exit) -> bool {
    matches!(exit, Exit::Root(0))
}

/// A run that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or the process could not be made.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The machine on this host failed.
    #[error(transparent)]
    Machine(#[from] runtime_machine::Error),
}

impl Error {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

impl Run<'_> {
    /// Runs; `console` gets what the machine prints as it comes, and gets it again if it answers
    /// [`io::ErrorKind::WouldBlock`]. Answers how it ended and the faults that the kernel reported.
    pub fn run(
        &self,
        console: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(Ending, Vec<FaultLine>), Error> {
        let folder =
            tempfile::Builder::new().prefix("space-boot-").tempdir().map_err(Error::io("make a folder"))?;
        let kernel = folder.path().join(KERNEL);
        let module = folder.path().join(MODULE);
        let messages = folder.path().join("messages");
        fs::write(&kernel, self.kernel).map_err(Error::io("write the kernel"))?;
        fs::write(&module, self.module).map_err(Error::io("write the bundle"))?;
        let errors = File::create(&messages).map_err(Error::io("write QEMU's messages"))?;
        if let Some(disk) = &self.disk {
            link(disk, &folder.path().join(DISK)).map_err(Error::io("find the disk"))?;
        }
        let trace = self.trace.as_ref().map(std::path::absolute).transpose();
        let trace = trace.map_err(Error::io("find the trace's folder"))?;
        let arguments = Arguments {
            machine: self.machine,
            memory_mib: self.memory_mib,
            // QEMU would cut a path at a comma or a blank.
            files: Some((Path::new(KERNEL), Path::new(MODULE))),
            words: self.words,
            gdb: self.gdb,
            disk: self.disk.as_ref().map(|_| DISK),
            trace: trace.as_deref(),
            count: self.count,
            line: self.line.as_ref().map(|_| Path::new(LINE)),
        };
        if let Some(taker) = self.line.clone() {
            let listener = UnixListener::bind(folder.path().join(LINE)).map_err(Error::io("make a line"))?;
            // QEMU comes once, before the machine begins. One that does not come leaves the thread to the process' end.
            thread::spawn(move || listener.accept().map(|(stream, _)| taker.send(stream)));
        }
        let mut command = self.qemu.command().map_err(Error::io("find QEMU"))?;
        command.current_dir(folder.path()).args(arguments.list());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        // Its own group: the terminal's Ctrl-C comes to us alone, and we end it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = Guard(command.spawn().map_err(Error::io("start QEMU"))?);

        let output = child.0.stdout.take().map(relay);
        let mut lines = Lines::default();
        let ended = match output {
            Some(chunks) => Watch { stop: self.stop, is_quiet: self.is_quiet, interrupted: self.interrupted }
                .watch(&chunks, &mut lines, console)?,
            None => None,
        };
        if let Some(ending) = ended {
            child.end();
            return Ok((ending, lines.faults));
        }
        let status = child.0.wait().map_err(Error::io("wait for QEMU"))?;
        let mut said = String::new();
        // What QEMU said is only for people: a part of it is better than nothing.
        File::open(&messages).and_then(|file| file.take(MESSAGES_BYTES_MAX).read_to_string(&mut said)).ok();
        Ok((ending(status, said.trim()), lines.faults))
    }
}

/// Gives a file a name in the run's folder: what its own path has in it must not concern QEMU.
fn link(file: &Path, name: &Path) -> io::Result<()> {
    let file = fs::canonicalize(file)?;
    #[cfg(unix)]
    return std::os::unix::fs::symlink(file, name);
    #[cfg(not(unix))]
    fs::hard_link(file, name)
}

/// Who ends a run that does not end by itself.
pub(crate) struct Watch<'a> {
    /// When.
    pub stop: Stop,
    /// Keep the kernel's own lines from the console.
    pub is_quiet: bool,
    /// Set by whoever wants it to end.
    pub interrupted: &'a AtomicBool,
}

impl Watch<'_> {
    /// Relays until the console closes, or until something else ends the run.
    pub(crate) fn watch(
        &self,
        chunks: &Receiver<Vec<u8>>,
        lines: &mut Lines,
        console: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Option<Ending>, Error> {
        let start = Instant::now();
        let mut pending: Option<Vec<u8>> = None;
        // What the last byte was part of.
        let (mut is_kernels, mut ends_line) = (false, false);
        loop {
            if let Some(chunk) = pending.take() {
                match console(&chunk) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        pending = Some(chunk);
                        thread::sleep(TICK);
                    }
                    printed => printed.map_err(Error::io("print the console"))?,
                }
            } else {
                match chunks.recv_timeout(TICK) {
                    Ok(mut chunk) => {
                        lines.take(&chunk);
                        chunk.retain(|byte| {
                            is_kernels = *byte == KERNEL_LINE || is_kernels && !ends_line;
                            ends_line = *byte == b'\n';
                            // The mark is for programs only.
                            *byte != KERNEL_LINE && !(self.is_quiet && is_kernels)
                        });
                        pending = Some(chunk);
                        continue;
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                }
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Ok(Some(Ending::Interrupted));
            }
            match self.stop {
                Stop::After(time) if start.elapsed() >= time => return Ok(Some(Ending::Stopped)),
                Stop::Overdue(time) if start.elapsed() >= time => return Ok(Some(Ending::Overdue(time))),
                _ => {}
            }
        }
    }
}

/// Reads the console in a thread of its own, which ends when the console closes.
fn relay(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(CHUNKS);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = output.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn ending(status: ExitStatus, said: &str) -> Ending {
    match status.code() {
        Some(0) => Ending::Reset,
        Some(code) => match Exit::from_status(code) {
            Some(exit) => Ending::Exit(exit),
            None if said.is_empty() => Ending::Qemu(format!("it ended with the status {code}")),
            None => Ending::Qemu(said.to_owned()),
        },
        None => Ending::Qemu(format!("it ended by a signal: {status}")),
    }
}

/// Ends QEMU when the run is left, however it is left.
struct Guard(Child);

impl Guard {
    fn end(&mut self) {
        // It may have ended meanwhile, which is what is wanted.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

/// Cuts the console into lines and keeps the faults.
#[derive(Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    /// In the order in which they came.
    pub faults: Vec<FaultLine>,
}

impl Lines {
    fn take(&mut self, chunk: &[u8]) {
        for byte in chunk {
            if *byte == b'\n' {
                self.faults.extend(FaultLine::parse(&String::from_utf8_lossy(&self.line)));
                self.line.clear();
            } else if self.line.len() < LINE_BYTES_MAX {
                self.line.push(*byte);
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Mutex;

    /// A script that is open for writing in one thread while another starts a process cannot be executed.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn script(folder: &Path, script: &str) -> Qemu {
        let path = folder.join("qemu");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Qemu::at(&path)
    }

    fn subject<'a>(qemu: &'a Qemu, stop: Stop, interrupted: &'a AtomicBool) -> Run<'a> {
        Run {
            qemu,
            kernel: b"k",
            module: b"m",
            machine: Machine::Microvm,
            memory_mib: 256,
            words: &[],
            gdb: false,
            disk: None,
            trace: None,
            count: false,
            is_quiet: false,
            line: None,
            stop,
            interrupted,
        }
    }

    /// Runs a shell script in QEMU's place.
    fn run(text: &str, stop: Stop) -> (Ending, Vec<FaultLine>, String) {
        let _turn = ONE_AT_A_TIME.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let qemu = script(folder.path(), text);
        let interrupted = AtomicBool::new(false);
        let run = subject(&qemu, stop, &interrupted);
        let mut console = Vec::new();
        let (ending, faults) = run
            .run(&mut |chunk| {
                console.extend_from_slice(chunk);
                Ok(())
            })
            .unwrap();
        (ending, faults, String::from_utf8(console).unwrap())
    }

    #[test]
    fn the_exit_device_says_how_it_ended() {
        let overdue = Stop::Overdue(Duration::from_mins(1));
        let (ending, faults, console) = run("echo hello; exit 35", overdue);
        assert_eq!((ending, faults.len(), console.as_str()), (Ending::Exit(Exit::Root(0)), 0, "hello\n"));
        assert_eq!(run("exit 37", overdue).0, Ending::Exit(Exit::RootFaulted));
        assert_eq!(run("exit 0", overdue).0, Ending::Reset);
        assert_eq!(
            run("echo no such machine >&2; exit 1", overdue).0,
            Ending::Qemu("no such machine".into())
        );
    }

    #[test]
    fn faults_are_collected_from_the_console() {
        let line =
            "space: fault realm=a generation=1 fault=bounds offset=0x10 address=0x0 instance=1 detail=0x0";
        let (_, faults, _) = run(&format!("echo one; printf '\\036{line}\\n'; exit 35"), Stop::Never);
        assert_eq!(faults[0].offset, 16);
    }

    #[test]
    fn the_kernels_lines_are_kept_back_where_that_is_asked_for() {
        let _turn = ONE_AT_A_TIME.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let script_text = "printf 'one\\n\\036space: two\\nthr'; sleep 0.1; printf 'ee\\n\\036spa'; sleep 0.1; \
                           printf 'ce: four\\nfive\\n'; exit 35";
        let qemu = script(folder.path(), script_text);
        let interrupted = AtomicBool::new(false);
        for (is_quiet, expected) in
            [(false, "one\nspace: two\nthree\nspace: four\nfive\n"), (true, "one\nthree\nfive\n")]
        {
            let run = Run { is_quiet, ..subject(&qemu, Stop::Never, &interrupted) };
            let mut console = Vec::new();
            run.run(&mut |chunk| {
                console.extend_from_slice(chunk);
                Ok(())
            })
            .unwrap();
            assert_eq!(String::from_utf8(console).unwrap(), expected);
        }
    }

    #[test]
    fn a_console_that_stalls_does_not_keep_a_run() {
        let _turn = ONE_AT_A_TIME.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let qemu = script(folder.path(), "while true; do echo x; done");
        let interrupted = AtomicBool::new(false);
        let run = subject(&qemu, Stop::After(Duration::from_millis(200)), &interrupted);
        let (ending, _) = run.run(&mut |_| Err(io::ErrorKind::WouldBlock.into())).unwrap();
        assert_eq!(ending, Ending::Stopped);
    }

    #[test]
    fn time_ends_a_run() {
        let time = Duration::from_millis(100);
        assert_eq!(run("exec sleep 60", Stop::After(time)).0, Ending::Stopped);
        assert_eq!(run("exec sleep 60", Stop::Overdue(time)).0, Ending::Overdue(time));
    }
}
