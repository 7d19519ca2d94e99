//! `space up` and `space topo submit`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use compiler_driver::files;
use sci::digest::sha256;
use services_zdesk::view::{Application, Space, State};
use services_zhost::client;
use services_zhost::question::{Answer, Question};

use super::{failure, log, parent, show, shown, snapshot, state};
use crate::arguments::UpArguments;
use crate::commands::mex::{self, judge};
use crate::commands::system;
use crate::print;
use crate::report::{Exit, Failure, say};

/// How long it is waited for that an application runs, before it is said that it does not yet.
const PATIENCE: Duration = Duration::from_secs(10);
/// Starts again in a row after which it is said that a space fails.
const FAILURES: u64 = 2;
const PAUSE: Duration = Duration::from_millis(20);

/// A package that was verified here, so that what is wrong is said where it is.
pub struct Prepared {
    /// The application's name.
    pub name: String,
    /// SHA-256 of the package.
    pub digest: [u8; 32],
    /// How it stands by the trust policy.
    pub standing: String,
}

/// Builds what is stale, and packs it; or reads a package.
pub fn package(what: &Path) -> Result<Vec<u8>, Failure> {
    if what.extension().is_some_and(|ending| ["in", "sci", "wasm"].iter().any(|other| ending == *other)) {
        let what = what.display();
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            format!("`{what}` is one program, and no application"),
        )
        .help(format!(
            "`space run {what}` runs it; an application is a folder with a `topology.yaml`, or a package"
        )));
    }
    if is_package(what) { mex::read(what) } else { Ok(mex::pack::pack(what)?.bytes) }
}

/// Whether this names a package.
pub fn is_package(what: &Path) -> bool {
    what.extension().is_some_and(|extension| extension == "mex")
}

/// Builds what is stale, verifies it, and puts the package where the parent finds it.
pub fn prepare(what: &Path) -> Result<Prepared, Failure> {
    let bytes = package(what)?;
    // What was just packed has been held against every rule but trust.
    let judged =
        if is_package(what) { judge::judge(what, &bytes, false)? } else { judge::read(what, &bytes)? };
    let trust = judge::trust(&judged, what, None)?;
    let name = judged.graph.name.to_string();
    let digest = sha256(&bytes);
    let home = parent::home()?;
    home.make(&home.packages()).map_err(|error| Failure::new(Exit::Io, "io", error.to_string()))?;
    files::replace(&home.package(&digest), &bytes)?;
    Ok(Prepared { name, digest, standing: trust.standing })
}

/// Brings an application up.
pub fn run(arguments: &UpArguments) -> Result<(), Failure> {
    let prepared = prepare(&arguments.what)?;
    let started = parent::start(arguments.port)?;
    let name = &prepared.name;
    let before = current(name)?;
    if !started && before.as_ref().is_some_and(|application| application.state != State::Stopped) {
        return Err(Failure::new(Exit::Usage, "already-running", format!("`{name}` is running already")).help(
            "`space topo submit <folder>` changes what runs, `space down` stops it, `space logs -f` shows what it says",
        ));
    }
    if let Some(port) = arguments.port.filter(|_| !started) {
        tell_port(port)?;
    }
    let interrupted = system::interruption()?;
    let application = submit(&prepared, arguments.port, before.as_ref())?;
    print::text(&show::tree(&application))?;
    super::desk()?;
    if arguments.detach {
        return Ok(());
    }
    let followed = log::follow(name, 0, &|| interrupted.load(Ordering::Relaxed));
    // Whoever watches it is who wants it.
    let question = Question::Stop { application: name.clone(), purge: false };
    parent::ask(&question)?;
    followed
}

/// Says that the desk is not at a port, as a parent that was there has it at another.
fn tell_port(port: u16) -> Result<(), Failure> {
    if let Some(Answer::Desk(url)) = parent::ask(&Question::Desk)?
        && !url.contains(&format!(":{port}/"))
    {
        say("note: a parent runs already, and its desk stays where it is: `--port` is for one that starts\n");
    }
    Ok(())
}

/// Runs a package, or changes what runs to it.
pub fn topo_submit(what: &Path) -> Result<(), Failure> {
    let prepared = prepare(what)?;
    parent::start(None)?;
    let before = current(&prepared.name)?;
    let application = submit(&prepared, None, before.as_ref())?;
    print::text(&show::tree(&application))
}

/// An application as it is now, if there is one.
pub fn current(name: &str) -> Result<Option<Application>, Failure> {
    let all = snapshot()?.unwrap_or_default().applications;
    Ok(all.into_iter().find(|application| application.name == name))
}

/// What to do about a space that failed.
fn after_failure() -> Result<String, Failure> {
    Ok(state::full(&parent::home()?).unwrap_or_else(|| {
        "`space logs` says what came before, `space events` what happened to it".to_owned()
    }))
}

/// Submits a package, says so, and waits until it runs or is known not to.
fn submit(
    prepared: &Prepared,
    port: Option<u16>,
    before: Option<&Application>,
) -> Result<Application, Failure> {
    let revision = send(prepared, port)?;
    print::text(&format!("{} revision {revision}: {}\n", prepared.name, prepared.standing))?;
    settle(&prepared.name, revision, before)
}

/// Submits a package: the revision's number. A parent that was there may have ended meanwhile, with nothing to run.
pub fn send(prepared: &Prepared, port: Option<u16>) -> Result<u64, Failure> {
    let question = Question::Submit { package: prepared.digest };
    let mut answer = parent::ask(&question)?;
    if answer.is_none() {
        parent::start(port)?;
        answer = parent::ask(&question)?;
    }
    match answer {
        Some(Answer::Revision { revision, .. }) => Ok(revision),
        _ => Err(failure(&client::gone())),
    }
}

/// Waits until a revision runs, or is known not to. What failed `before` says nothing of it.
pub fn settle(name: &str, revision: u64, before: Option<&Application>) -> Result<Application, Failure> {
    let until = Instant::now() + PATIENCE;
    let spaces = before.into_iter().flat_map(|application| &application.spaces);
    let mut before: BTreeMap<String, u64> =
        spaces.map(|space| (space.name.clone(), space.restarts)).collect();
    loop {
        let application = shown(name, || failure(&client::gone()))?;
        for space in &application.spaces {
            // Another parent counts anew.
            before.entry(space.name.clone()).and_modify(|known| *known = space.restarts.min(*known));
        }
        // One that failed again after it was started again will not run by itself.
        let fails = |space: &&Space| {
            let restarts = space.restarts - before.get(&space.name).unwrap_or(&0);
            let fails_again = restarts > 0 && space.next_retry.is_some() || restarts >= FAILURES;
            space.state == State::Failed || space.state == State::Pending && fails_again
        };
        if let Some(space) = application.spaces.iter().find(fails) {
            print::text(&show::tree(&application))?;
            let message = format!("`{}` of `{name}` failed: {}", space.name, space.reason);
            return Err(Failure::new(Exit::Fault, "space-failed", message).help(after_failure()?));
        }
        let fits_nowhere =
            application.spaces.iter().find(|space| space.state == State::Pending && space.host.is_none());
        if let Some(space) = fits_nowhere.filter(|space| !space.placement.is_empty()) {
            let message = format!("`{}` of `{name}` has no host: {}", space.name, space.placement);
            return Err(Failure::new(Exit::Refused, "no-host", message).help(
                "change what the topology demands; it is tried again as long as the application is up",
            ));
        }
        let is_under_way = |space: &Space| matches!(space.state, State::Pending | State::Degraded);
        let waits = application.revision < revision || application.spaces.iter().any(is_under_way);
        if !waits || Instant::now() > until {
            return Ok(application);
        }
        thread::sleep(PAUSE);
    }
}
