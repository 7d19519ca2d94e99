//! `space run`

mod project;

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use compiler_driver::files;
use sci::header::Kind;
use sci::image::Image;
use services_zrun::linux::{
    ALONE, ApartError, BackEnds, Disk, Limits, Line, Orders, Report, ReportKind, Settings, run_apart,
};
use services_zrun::{InMemory, Store};

use crate::arguments::RunArguments;
use crate::commands::{agents, boot, devices, guest, profile, system, verify};
use crate::report::{Exit, Failure};

/// Bytes of keys and values that a run may store.
const VALUES_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Runs a module or an image of one, or a project: in processes of their own.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    if boot::application::is_one(&arguments.file) {
        let folder = arguments.file.display();
        return Err(Failure::new(Exit::Usage, "usage", format!("`{folder}` is an application"))
            .help(format!("`space up {folder}` runs it")));
    }
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
    if Image::read(&image).is_ok_and(|image| image.header().kind != Kind::Guest) {
        return Err(guest::is_none().at(arguments.file.display().to_string()));
    }
    let keys: Vec<_> = verify::trusted(None)?.iter().map(|key| key.bytes).collect();
    let place = arguments.file.display().to_string();
    if let Some(map) = &arguments.map {
        profile::write_map(&image, map)?;
    }
    let (sink, samples) = profile::sink(arguments.profile.as_deref())?;
    let (output, interrupted) = (Output::default(), Arc::new(AtomicBool::new(false)));
    let settings = Settings {
        name: name(&arguments.file),
        grants: guest::grants(&arguments.guest.grants),
        arguments: arguments.arguments.clone(),
        environment: arguments.guest.environment.clone(),
        seed: 0,
        log: output.log(),
        values: values(arguments.data.as_deref())?,
        limits: Limits {
            time: arguments.timeout,
            memory_bytes: Some(arguments.guest.memory),
            fuel: arguments.guest.fuel,
        },
        profile: sink,
    };
    let mut caught = Ok(());
    let (mut back_ends, _socket) = match &arguments.devices {
        Some(file) => devices::start(file, &name(&arguments.file))?,
        None => (BackEnds::default(), None),
    };
    back_ends.agents = arguments.agents.as_deref().map(agents::start).transpose()?;
    let ran = run_apart(&image, &keys, settings, back_ends, |orders| {
        caught = stop_on_signals(orders.clone(), Arc::clone(&interrupted));
        output.0.borrow_mut().1 = Some(orders);
    });
    caught?;
    let result = match output.error() {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(error) => Err(error.into()),
        None if interrupted.load(Ordering::Relaxed) => Err(system::interrupted()),
        None => ran.map_err(|error| failure(error).at(place)),
    };
    let written = match (&arguments.profile, samples.take()) {
        (Some(file), Some(words)) => profile::write(&image, &name(&arguments.file), &words, file),
        _ => Ok(()),
    };
    result.and(written)
}

/// Why a line was not printed, and the way to end the space that wrote it.
type Failing = (Option<io::Error>, Option<Orders>);

/// The standard output, whose first failure ends the space.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<Failing>>);

impl Output {
    fn log(&self) -> Line {
        let output = self.clone();
        Box::new(move |line| {
            let mut standard = io::stdout().lock();
            let printed = writeln!(standard, "{line}").and_then(|()| standard.flush());
            if let Err(error) = printed {
                let (first, orders) = &mut *output.0.borrow_mut();
                first.get_or_insert(error);
                if let Some(orders) = orders {
                    orders.stop(ALONE);
                }
            }
        })
    }

    fn error(&self) -> Option<io::Error> {
        self.0.borrow_mut().0.take()
    }
}

/// Ends the space at the first signal, and at the second one the command.
fn stop_on_signals(orders: Orders, interrupted: Arc<AtomicBool>) -> Result<(), Failure> {
    system::on_signals(move || {
        if interrupted.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::System as i32);
        }
        orders.stop(ALONE);
    })
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
        ReportKind::Import => guest::import_refused(message, &[]),
        ReportKind::NotGranted(missing) => guest::import_refused(message, &missing),
        ReportKind::NoWayIn => guest::no_way_in(message),
        ReportKind::Status => Failure::new(Exit::Fault, "guest-status", message),
        ReportKind::Trap => guest::trapped(&message),
        ReportKind::Image => Failure::new(Exit::Image, "refused-image", message)
            .help("`space verify` says what is wrong with an image; `space build` makes one of a module"),
        ReportKind::NoFuel => guest::no_fuel(),
        ReportKind::Memory => guest::too_large(message),
        ReportKind::Host => Failure::new(Exit::Environment, "guest-host", message),
    }
}
