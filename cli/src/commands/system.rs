//! What running a system takes, wherever it runs: it is built, its console printed, its end judged.

use std::io::{self, Write as _, stdout};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use boot::{Ending, FaultLine};
use compiler_driver::build::OUTPUT_BYTES_MAX;
use compiler_driver::keys::{DEVELOPMENT, Store};
use compiler_driver::{files, images};
use sci::bundle::Bundle;
use sci::image::Image;
use sci::section::SectionKind;
use sci::status::Fault;
use sci::tables;

use crate::report::{Exit, Failure, say};
use crate::session;

/// The component that has no instance's number.
const ROOT: &str = "Root";
/// Pieces of the console that wait for a slow reader.
const CHUNKS: usize = 256;
/// How often the end of a slow reader is looked at.
const PATIENCE: Duration = Duration::from_millis(50);

/// The boot module of a project, which is built first.
pub fn module(folder: &Path) -> Result<Vec<u8>, Failure> {
    let built = session::build(folder)?;
    let bundle = files::read(&built.bundle, OUTPUT_BYTES_MAX)?;
    let key = Store::open()?.load(DEVELOPMENT)?.public();
    Ok(images::boot_module(&bundle, &[key]))
}

/// An option that only guests have a use for, where the path is a project's folder.
pub fn no_guest(option: &str, folder: &Path) -> Failure {
    let message = format!("`{option}` is for guests, and {} is a folder", folder.display());
    Failure::new(Exit::Usage, "no-guest", message)
        .help("a guest is a file: a module (`.wasm`) or an image of one (`.sci`)")
}

/// Set when the user has had enough.
pub fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    on_signals(move || flag.store(true, Ordering::Relaxed))?;
    Ok(interrupted)
}

/// Does something at each Ctrl-C and its like.
pub fn on_signals(act: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(act)
        .map_err(|error| Failure::new(Exit::Environment, "signals", format!("cannot catch Ctrl-C: {error}")))
}

/// A run that the user ended.
pub fn interrupted() -> Failure {
    Failure::new(Exit::System, "interrupted", "the run was interrupted")
}

/// Prints in a thread of its own, so that a reader who takes his time does not keep the machine from being watched.
struct Printer {
    chunks: SyncSender<Vec<u8>>,
    done: Receiver<io::Result<()>>,
}

impl Printer {
    /// Starts printing.
    fn start() -> Self {
        let (chunks, queue) = mpsc::sync_channel::<Vec<u8>>(CHUNKS);
        let (end, done) = mpsc::channel();
        thread::spawn(move || {
            let printed = queue.iter().try_for_each(|chunk| {
                let mut out = stdout().lock();
                out.write_all(&chunk).and_then(|()| out.flush())
            });
            end.send(printed).ok();
        });
        Self { chunks, done }
    }

    /// Prints what came, or answers that a slow reader has to be waited for.
    fn print(&self, chunk: &[u8]) -> io::Result<()> {
        match self.chunks.try_send(chunk.to_vec()) {
            Err(TrySendError::Full(_)) => Err(io::ErrorKind::WouldBlock.into()),
            // Why nobody reads any more is told by `end`.
            Err(TrySendError::Disconnected(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Ok(()) => Ok(()),
        }
    }

    /// Waits until all is printed, or until whoever waits has enough.
    fn end(self, interrupted: &AtomicBool) -> Result<Reader, Failure> {
        drop(self.chunks);
        loop {
            match self.done.recv_timeout(PATIENCE) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Reader::Left),
                Ok(Err(error)) => return Err(error.into()),
                Err(RecvTimeoutError::Timeout) if !interrupted.load(Ordering::Relaxed) => {}
                _ => return Ok(Reader::There),
            }
        }
    }
}

/// Prints what a run says while it runs; nothing comes of one that was ended because nobody reads any more.
pub fn relay<T>(
    interrupted: &AtomicBool,
    run: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<T, boot::Error>,
) -> Result<Option<T>, Failure> {
    let printer = Printer::start();
    let ran = run(&mut |chunk| printer.print(chunk));
    match printer.end(interrupted)? {
        Reader::Left => Ok(None),
        Reader::There => Ok(Some(ran?)),
    }
}

/// Who reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Someone.
    There,
    /// Nobody any more: he has seen enough, and the run was ended.
    Left,
}

/// A component that stopped on a fault, with the place in its source.
struct Fallen {
    component: String,
    fault: Fault,
    /// Exit code, where it ended by itself.
    detail: u64,
    place: Option<String>,
    function: Option<String>,
}

/// The component, and the instance where that has a name of its own.
fn shown_name(line: &FaultLine, module: &[u8]) -> String {
    let bundle = Bundle::read(module).ok();
    match bundle.as_ref().map(|bundle| bundle.instance_name(line.instance)) {
        Some(instance) if line.realm != ROOT && instance != compiler_driver::file_stem(&line.realm) => {
            format!("{} ({instance})", line.realm)
        }
        _ => line.realm.clone(),
    }
}

impl Fallen {
    /// Looks the fault up in the tables of the component's image.
    fn find(line: &FaultLine, module: &[u8]) -> Self {
        let unknown = Self {
            component: shown_name(line, module),
            fault: line.fault,
            detail: line.detail,
            place: None,
            function: None,
        };
        if line.fault == Fault::Exit {
            return unknown;
        }
        let Ok(bundle) = Bundle::read(module) else { return unknown };
        let images =
            (0..bundle.image_count()).filter_map(|index| Image::verify(bundle.image(index)?.bytes).ok());
        let mut named = images.filter(|image| image.manifest().identity.name == line.realm);
        let Some(image) = named.next() else { return unknown };
        let Some(offset) = image
            .section(SectionKind::Text)
            .and_then(|text| line.offset.checked_sub(text.memory_offset))
            .and_then(|offset| u32::try_from(offset).ok())
        else {
            return unknown;
        };
        let place = panic_place(line, &image).or_else(|| {
            let place = tables::locate(image.bytes_of(SectionKind::SourceMap), offset)?;
            Some(format!("{}:{}", place.file, place.line))
        });
        let function = tables::function_at(image.bytes_of(SectionKind::Symbols), offset);
        Self {
            // The instruction says only that it traps; the table says why.
            fault: tables::trap_at(image.bytes_of(SectionKind::Traps), offset).unwrap_or(line.fault),
            place,
            function: function.map(|function| function.name.to_owned()),
            ..unknown
        }
    }

    /// `hello: fault at demo.in:7 in start: overflow: An integer operation overflowed.`
    fn sentence(&self) -> String {
        if self.fault == Fault::Exit {
            return format!("{}: ended with error {}", self.component, self.detail);
        }
        let place = self.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
        let function = self.function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        format!(
            "{}: fault{place}{function}: {}: {}",
            self.component,
            self.fault.name(),
            self.fault.meaning().trim()
        )
    }
}

/// Where a component in Rust panicked: its fault's address says so.
fn panic_place(line: &FaultLine, image: &Image<'_>) -> Option<String> {
    if line.fault != Fault::Panic {
        return None;
    }
    let (offset, bytes, row) = sci::layout::place::unpack(line.address);
    let section = image.section_at(offset)?;
    let from = (offset - section.memory_offset) as usize;
    let name = image.section_bytes(&section).get(from..from.checked_add(bytes as usize)?)?;
    let name = std::str::from_utf8(name).ok().filter(|name| !name.contains(char::is_control))?;
    (row > 0).then(|| format!("{name}:{row}"))
}

/// Says which components stopped on a fault, and what that and the ending mean for the command.
pub fn conclude(ending: Ending, mut faults: Vec<FaultLine>, module: &[u8]) -> Result<(), Failure> {
    faults.retain(|line| line.fault != Fault::Exit || line.detail != 0);
    let faults: Vec<Fallen> = faults.iter().map(|line| Fallen::find(line, module)).collect();
    for fallen in &faults {
        say(&format!("{}\n", fallen.sentence()));
    }
    // Who called a component that died fails, too; the one that died is the cause.
    let cause = faults.iter().rev().find(|fallen| fallen.fault != Fault::CallFailed);
    judge(ending, cause.or(faults.last()))
}

fn judge(ending: Ending, last: Option<&Fallen>) -> Result<(), Failure> {
    let system = |id, message: String| Failure::new(Exit::System, id, message);
    let failure = match ending {
        Ending::Exit(exit) if boot::run::is_success(exit) => return Ok(()),
        Ending::Stopped => return Ok(()),
        Ending::Interrupted => return Err(interrupted()),
        Ending::Exit(exit) => match last {
            Some(fallen) if fallen.fault == Fault::Exit => {
                let message = format!("{} ended with error {}", fallen.component, fallen.detail);
                Failure::new(Exit::Fault, "component-ended", message).help(
                    "its `start` returned an error: the number is the variant's place in its enum, from 1",
                )
            }
            Some(fallen) => {
                let place = fallen.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
                let message = format!("{} stopped{place}: {}", fallen.component, fallen.fault.name());
                let failure = Failure::new(Exit::Fault, "component-fault", message)
                    .help(fallen.fault.meaning().trim().trim_end_matches('.').to_lowercase());
                match &fallen.place {
                    Some(place) => failure.at(place.clone()),
                    None => failure,
                }
            }
            None => system("boot-failed", exit.meaning().to_owned()).help("the console above says more"),
        },
        Ending::Overdue(time) => {
            system("boot-overdue", format!("the system did not end within {} s", time.as_secs_f32()))
                .help("`--for 10s` lets it run for that long and ends with success; `--timeout` waits longer")
        }
        Ending::Reset => system("machine-reset", "the machine reset itself".to_owned())
            .help("this is a mistake of the kernel: `space boot --trace <file>` records what led to it"),
        Ending::Qemu(said) => Failure::new(Exit::Environment, "qemu-failed", format!("QEMU failed: {said}"))
            .help("`space doctor` checks what is installed"),
    };
    Err(failure)
}
