//! `space run`

use std::io::Write as _;
use std::path::Path;

use compiler_driver::files;
use services_zrun::linux::{Disk, Limits, RunError, Settings};
use services_zrun::{InMemory, Store};
use space_host::{Error, Module, Trap};

use crate::arguments::RunArguments;
use crate::commands::{guest, verify};
use crate::report::{Exit, Failure};

/// Bytes of keys and values that a run may store.
const VALUES_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Runs a module or an image of one, in this process.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let image = guest::load(&arguments.file, &arguments.guest)?;
    let keys: Vec<_> = verify::trusted(None)?.iter().map(|key| key.bytes).collect();
    let place = arguments.file.display().to_string();
    let module = Module::load(&image, &keys).map_err(|error| host(&error).at(place.clone()))?;
    let settings = Settings {
        name: name(&arguments.file),
        grants: guest::grants(&arguments.guest.grants),
        arguments: arguments.arguments.clone(),
        environment: arguments.guest.environment.clone(),
        seed: 0,
        log: Box::new(print_line),
        values: values(arguments.data.as_deref())?,
        limits: Limits {
            time: arguments.timeout,
            memory_bytes: Some(arguments.guest.memory),
            fuel: arguments.guest.fuel,
        },
    };
    services_zrun::linux::run(&module, settings).map_err(|error| failure(&error).at(place))
}

/// A closed output is no reason to stop the guest: its work may be elsewhere.
fn print_line(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn name(file: &Path) -> String {
    file.file_stem().map_or_else(|| "guest".into(), |stem| stem.to_string_lossy().into_owned())
}

fn values(file: Option<&Path>) -> Result<Box<dyn Store>, Failure> {
    let Some(path) = file else { return Ok(Box::new(InMemory::new(VALUES_BYTES_MAX))) };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::is_writable(folder)?;
    }
    let disk = Disk::open(path, VALUES_BYTES_MAX).map_err(|error| {
        Failure::new(Exit::Io, "values", error.to_string())
            .at(path.display().to_string())
            .help("the file is damaged, in use, or not one that `space run --data` made")
    })?;
    Ok(Box::new(disk))
}

fn failure(error: &RunError) -> Failure {
    match error {
        RunError::Import(refused) => guest::refused_import(refused),
        RunError::Host(error) => host(error),
        RunError::Lifecycle(error) => guest::no_way_in(error),
        RunError::Status(status) => guest::ended(*status),
    }
}

fn host(error: &Error) -> Failure {
    match error {
        Error::Trap(Trap::Exit(status)) => guest::ended(*status),
        Error::Trap(trap) => guest::trapped(&trap.to_string()),
        Error::Guest(refused) => Failure::new(Exit::Image, "refused-image", refused.to_string())
            .help("`space verify` says what is wrong with an image; `space build` makes one of a module"),
        Error::NoFuel => guest::no_fuel(),
        Error::Missing { .. } | Error::Mismatch { .. } => {
            Failure::new(Exit::Refused, "import-refused", error.to_string())
        }
        Error::Quota { .. } => {
            Failure::new(Exit::Refused, "guest-memory", error.to_string()).help("`--memory` allows more")
        }
        other => Failure::new(Exit::Environment, "guest-host", other.to_string()),
    }
}
