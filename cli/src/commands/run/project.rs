//! Projects on this host: each component in a process of its own.

use boot::{LinuxRun, Stop};

use crate::arguments::RunArguments;
use crate::commands::{guest, system};
use crate::report::Failure;

/// Builds a project, runs it, relays the console; a run that did not end well is a failure.
pub fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let others = [
        ("--data", arguments.data.is_some()),
        ("--devices", arguments.devices.is_some()),
        ("--agents", arguments.agents.is_some()),
        ("--profile", arguments.profile.is_some()),
        ("--map", arguments.map.is_some()),
    ];
    let other = others.into_iter().find(|(_, used)| *used).map(|(option, _)| option);
    if let Some(option) = guest::option(&arguments.guest).or(other) {
        return Err(system::no_guest(option, &arguments.file));
    }
    if let Some(argument) = arguments.arguments.first() {
        return Err(system::no_guest(argument, &arguments.file));
    }
    let module = system::module(&arguments.file)?;
    let interrupted = system::interruption()?;
    let stop = match (arguments.time, arguments.timeout) {
        (Some(time), _) => Stop::After(time),
        (None, Some(timeout)) => Stop::Overdue(timeout),
        (None, None) => Stop::Never,
    };
    let run = LinuxRun { module: &module, verbose: false, stop, interrupted: &interrupted };
    let Some((ending, faults)) = system::relay(&interrupted, |console| run.run(console))? else {
        return Ok(());
    };
    system::conclude(ending, faults, &module)
}
