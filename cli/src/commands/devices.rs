//! The devices of one guest: `docs/devices.md` describes the file.

use std::fmt::Display;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use compiler_driver::files;
use sci::limits::wasm::MODULE_BYTES_MAX;
use services_mex::layout::RECOGNIZERS;
use services_zrun::linux::{BackEnds, Description, Exchange, Inbox, Socket};
use services_zrun::{Package, Simulation};

use crate::commands::mex::judge;
use crate::report::{Exit, Failure, say};

/// The number of the one space.
const ALONE: u32 = 0;

/// The devices that a file describes, as the back ends of a space; they are there as long as the socket.
pub fn start(file: &Path, name: &str) -> Result<(BackEnds, Option<Socket>), Failure> {
    let description = read(file)?;
    let wrong = |error: &dyn Display| wrong(file, error);
    let folder = file.parent().unwrap_or(Path::new(""));
    let (rack, socket) = description.start(folder, Box::new(now)).map_err(|error| wrong(&error))?;
    let sounds = description.sounds(folder).map_err(|error| wrong(&error))?;
    let sound = sounds.map(|sounds| sounds.for_space(Box::new(now), name)).transpose();
    let sound = sound.map_err(|error| wrong(&error))?;
    let inbox = Inbox::new(Some(rack.clone()));
    let exchange = Exchange::with_modules(Some(rack.clone()), inbox.post(), modules(folder)?);
    let events = exchange.for_space(ALONE, name, None, None);
    let inbox = inbox.of_modules(exchange, |line| say(&format!("{line}\n")));
    let back_ends = BackEnds {
        devices: Some(Box::new(rack.for_space(ALONE, None))),
        audio: sound.map(|sound| Box::new(sound) as Box<dyn services_zrun::Audio>),
        events: Some(Box::new(events)),
        inbox: Some(inbox),
        ..BackEnds::default()
    };
    Ok((back_ends, socket))
}

/// What of them needs nothing of this machine.
pub fn simulation(file: &Path) -> Result<Simulation, Failure> {
    let simulation = read(file)?.simulation().map_err(|error| wrong(file, &error))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let modules = modules(folder)?;
    judge::fit(&modules).map_err(|failure| failure.at(folder.join(RECOGNIZERS).display().to_string()))?;
    Ok(Simulation { modules, ..simulation })
}

/// The modules that recognize, of the folder of a file with devices.
fn modules(folder: &Path) -> Result<Package, Failure> {
    let folder = folder.join(RECOGNIZERS);
    let mut modules = Package::new();
    if !folder.is_dir() {
        return Ok(modules);
    }
    let unread = |error: std::io::Error| {
        Failure::new(Exit::Io, "io", error.to_string()).at(folder.display().to_string())
    };
    for entry in std::fs::read_dir(&folder).map_err(unread)? {
        let file = entry.map_err(unread)?.path();
        let Some(name) = file.file_stem().and_then(|name| name.to_str()) else { continue };
        if file.extension().is_some_and(|ending| ending == "wasm") {
            let bytes = files::read(&file, MODULE_BYTES_MAX)?;
            judge::interpreted(&bytes).map_err(|failure| failure.at(file.display().to_string()))?;
            modules.insert(name.to_owned(), bytes);
        }
    }
    Ok(modules)
}

fn read(file: &Path) -> Result<Description, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| wrong(file, &error))?;
    Description::read(&text).map_err(|error| wrong(file, &error))
}

fn wrong(file: &Path, error: &dyn Display) -> Failure {
    Failure::new(Exit::Environment, "devices", error.to_string())
        .at(file.display().to_string())
        .help("`docs/devices.md` says how devices are described")
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}
