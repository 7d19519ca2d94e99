//! `space boot`

pub mod application;
mod disk;
mod guest;

use std::path::Path;
use std::time::Duration;

use application::Watched;
use boot::qemu::{GUEST_MEMORY_MIB, MEMORY_MIB};
use boot::{Qemu, Run, Stop};

use crate::arguments::BootArguments;
use crate::commands::system;
use crate::report::{Exit, Failure, say};

/// How long a system may run that should end by itself.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Builds, boots, relays the console; a run that did not end well is a failure.
pub fn run(arguments: &BootArguments) -> Result<(), Failure> {
    if arguments.shell {
        return Err(Failure::new(Exit::Usage, "not-supported-yet", "`--shell` is not supported yet")
            .help("without it the run ends by itself; `--for 10s` lets it run for that long"));
    }
    let qemu = Qemu::find().ok_or_else(|| {
        Failure::new(Exit::Environment, "qemu-missing", Qemu::missing()).help(boot::qemu::REMEDY)
    })?;
    if let Some(trace) = &arguments.trace {
        check_trace(trace)?;
    }
    let is_guest = guest::is_one(&arguments.what);
    let is_application = application::is_one(&arguments.what);
    if arguments.disk.is_some() && !is_application {
        return Err(Failure::new(Exit::Usage, "no-disk", "only an application has a disk")
            .at(arguments.what.display().to_string())
            .help("components and single guests keep nothing: leave out `--disk`"));
    }
    let (mut disk, mut application, mut requests) = (None, None, None);
    let module = if is_guest {
        let (module, asked) = guest::module(arguments)?;
        requests = asked;
        module
    } else if let Some(option) = guest::option(arguments) {
        return Err(system::no_guest(option, &arguments.what));
    } else if is_application {
        let loaded = application::load(arguments)?;
        (disk, application) = (loaded.disk, Some((loaded.application, loaded.requests)));
        loaded.module
    } else {
        system::module(&arguments.what)?
    };
    let begin = |(application, requests)| Watched::begin(application, requests, arguments.port);
    let watched = application.map(begin).transpose()?;
    let (watched, line) = watched.unzip();
    let (_answering, line) = match requests {
        Some(requests) => {
            let (answering, line) = guest::answer(requests);
            (Some(answering), Some(line))
        }
        None => (None, line),
    };

    let interrupted = system::interruption()?;
    if arguments.gdb {
        say("waiting for gdb: target remote :1234\n");
    }
    let stop = match (arguments.time, arguments.timeout) {
        (Some(time), _) => Stop::After(time),
        (None, Some(timeout)) => Stop::Overdue(timeout),
        (None, None) if arguments.gdb => Stop::Never,
        (None, None) => Stop::Overdue(TIMEOUT),
    };
    let run = Run {
        qemu: &qemu,
        kernel: boot::KERNEL,
        module: &module,
        machine: arguments.machine.into(),
        memory_mib: if is_guest || is_application { GUEST_MEMORY_MIB } else { MEMORY_MIB },
        words: &arguments.words,
        gdb: arguments.gdb,
        disk: disk.as_ref().map(|disk| disk.path.clone()),
        trace: arguments.trace.clone(),
        count: arguments.icount,
        // What the kernel says of a guest is told in the words of `space run`.
        is_quiet: (is_guest || is_application) && arguments.words.is_empty(),
        line,
        stop,
        interrupted: &interrupted,
    };
    let ran = system::relay(&interrupted, |console| {
        run.run(&mut |chunk| {
            console(chunk)?;
            if let Some(watched) = &watched {
                watched.said(chunk);
            }
            Ok(())
        })
    })?;
    let Some((ending, faults)) = ran else { return Ok(()) };
    if is_guest && let Some(failure) = guest::failure(&ending, &faults, &module) {
        return Err(failure.at(arguments.what.display().to_string()));
    }
    if is_application {
        return application::conclude(ending, faults, &module);
    }
    system::conclude(ending, faults, &module)
}

/// What a trace may be written to: not over a folder, a source or an image.
fn check_trace(trace: &Path) -> Result<(), Failure> {
    let refuse = |why: &str| {
        Err(Failure::new(Exit::Usage, "trace-file", why)
            .at(trace.display().to_string())
            .help("name a file to make, such as `trace.log`"))
    };
    let above = trace.parent().filter(|above| !above.as_os_str().is_empty());
    if above.is_some_and(|above| !above.is_dir()) {
        return refuse("the trace's folder does not exist");
    }
    let ours =
        trace.extension().is_some_and(|ending| ["in", "sci", "bundle"].iter().any(|our| ending == *our));
    if ours || (trace.exists() && !trace.is_file()) {
        return refuse("a trace would overwrite what is there");
    }
    if trace.as_os_str().as_encoded_bytes().contains(&b'%') {
        return refuse("QEMU gives a `%` in a trace's name a meaning of its own");
    }
    Ok(())
}
