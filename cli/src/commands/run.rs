//! `space run`

mod project;

use std::io::Write as _;
use std::path::Path;

use compiler_driver::files;
use services_zrun::linux::{ApartError, Disk, Limits, Report, ReportKind, Settings, run_apart};
use services_zrun::{InMemory, Store};

use crate::arguments::RunArguments;
use crate::commands::{guest, profile, verify};
use crate::report::{Exit, Failure};

/// Bytes of keys and values that a run may store.
const VALUES_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Runs a module or an image of one, or a project: in processes of their own.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    if arguments.file.is_dir() {
        return project::run(arguments);
    }
    if arguments.time.is_some() {
        return Err(Failure::new(Exit::Usage, "usage", "`--for` is for projects, and this is a guest")
            .help("`--timeout` ends a guest, as a failure"));
    }
    profile::check(&arguments.file, arguments.map.as_ref())?;
    profile::check(&arguments.file, arguments.profile.as_ref())?;
    let image = guest::load(&arguments.file, &arguments.guest)?;
    let keys: Vec<_> = verify::trusted(None)?.iter().map(|key| key.bytes).collect();
    let place = arguments.file.display().to_string();
    if let Some(map) = &arguments.map {
        profile::write_map(&image, map)?;
    }
    let (sink, samples) = profile::sink(arguments.profile.as_deref())?;
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
        profile: sink,
    };
    let result = run_apart(&image, &keys, settings).map_err(|error| failure(error).at(place));
    let written = match (&arguments.profile, samples.take()) {
        (Some(file), Some(words)) => profile::write(&image, &name(&arguments.file), &words, file),
        _ => Ok(()),
    };
    result.and(written)
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

fn failure(error: ApartError) -> Failure {
    match error {
        ApartError::Spawn(error) => Failure::new(Exit::Environment, "no-child", error.to_string()),
        ApartError::Ended(_) => Failure::new(Exit::Fault, "guest-process", error.to_string()),
        ApartError::Space(report) => reported(report),
    }
}

fn reported(Report { kind, message }: Report) -> Failure {
    match kind {
        ReportKind::Import => guest::import_refused(message, None),
        ReportKind::NotGranted(capability) => guest::import_refused(message, Some(&capability)),
        ReportKind::NoWayIn => guest::no_way_in(message),
        ReportKind::Status => Failure::new(Exit::Fault, "guest-status", message),
        ReportKind::Trap => guest::trapped(&message),
        ReportKind::Image => Failure::new(Exit::Image, "refused-image", message)
            .help("`space verify` says what is wrong with an image; `space build` makes one of a module"),
        ReportKind::NoFuel => guest::no_fuel(),
        ReportKind::Memory => {
            Failure::new(Exit::Refused, "guest-memory", message).help("`--memory` allows more")
        }
        ReportKind::Host => Failure::new(Exit::Environment, "guest-host", message),
    }
}
