//! `space dev`: an application that follows its sources.

mod watch;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use services_zdesk::view::{Application, State};
use services_zhost::client;
use services_zhost::question::{Answer, Question};

use super::up::{self, Prepared};
use super::{log, parent, show};
use crate::arguments::DevArguments;
use crate::commands::system;
use crate::print;
use crate::report::{Exit, Failure, say};

/// How often it is looked whether something was saved.
const LOOK: Duration = Duration::from_millis(50);

/// Why no more is shown of what spaces say.
#[derive(Clone, Copy)]
enum End {
    /// The application is down.
    Down,
    /// The parent is gone.
    Gone,
}

/// An application that is worked on.
struct Dev<'d> {
    what: &'d Path,
    port: Option<u16>,
    interrupted: Arc<AtomicBool>,
    /// What spaces say is shown until this is set.
    shown: Option<Arc<OnceLock<End>>>,
    /// What runs by now.
    runs: Option<Running>,
}

/// What runs of it.
struct Running {
    name: String,
    digest: [u8; 32],
    /// The last revision that came to run, if one did.
    revision: Option<u64>,
    /// Whether it ran before.
    was_up: bool,
}

/// Runs until Ctrl-C.
pub fn run(arguments: &DevArguments) -> Result<(), Failure> {
    let what = &arguments.what;
    if up::is_package(what) {
        return Err(Failure::new(Exit::Usage, "no-package", "a package has no sources to follow")
            .at(what.display().to_string())
            .help("name the folder that it is made of; `space up` runs a package"));
    }
    let folder = if what.is_dir() { what.clone() } else { what.parent().unwrap_or(Path::new("")).to_owned() };
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let interrupted = system::interruption()?;
    let mut dev = Dev { what, port: arguments.port, interrupted, shown: None, runs: None };
    let watched = dev.watch(&folder);
    dev.end()?;
    watched
}

impl Dev<'_> {
    fn watch(&mut self, folder: &Path) -> Result<(), Failure> {
        let mut done = None;
        while !self.interrupted.load(Ordering::Relaxed) {
            let saved = watch::state(folder)?;
            match self.end_of_log() {
                Some(End::Gone) => {
                    if let Err(failure) = self.revive() {
                        failure.print();
                    }
                    // What was being changed may be so only in part.
                    done = None;
                }
                Some(End::Down) => self.tell_down(),
                None => {}
            }
            // What is still being written is looked at again.
            thread::sleep(LOOK);
            if done == Some(saved) || watch::state(folder)? != saved {
                continue;
            }
            done = Some(saved);
            if let Err(failure) = self.follow() {
                failure.print();
                self.goes_on();
            }
        }
        Ok(())
    }

    /// Brings up what is in the folder, or changes what runs to it.
    fn follow(&mut self) -> Result<(), Failure> {
        let prepared = up::prepare(self.what)?;
        match &self.runs {
            Some(running) if running.digest == prepared.digest => Ok(()),
            Some(running) if running.name == prepared.name => self.change(&prepared),
            _ => {
                self.end()?;
                self.begin(&prepared)
            }
        }
    }

    fn begin(&mut self, prepared: &Prepared) -> Result<(), Failure> {
        parent::start(self.port)?;
        let name = &prepared.name;
        let before = up::current(name)?;
        let was_up = before.as_ref().is_some_and(|application| application.state != State::Stopped);
        let seen = if was_up { log::last(name)? } else { 0 };
        let revision = up::send(prepared, self.port)?;
        print::text(&format!("{name} revision {revision}: {}\n", prepared.standing))?;
        self.show_log(name, seen);
        let (name, digest) = (name.clone(), prepared.digest);
        let running = self.runs.insert(Running { name, digest, revision: None, was_up });
        let application = up::settle(&running.name, revision, before.as_ref())?;
        running.revision = Some(revision);
        print::text(&show::tree(&application))?;
        super::desk()
    }

    /// Only what changed is started anew.
    fn change(&mut self, prepared: &Prepared) -> Result<(), Failure> {
        let is_new = parent::start(self.port)?;
        let before = up::current(&prepared.name)?;
        let seen = if is_new { 0 } else { log::last(&prepared.name)? };
        let revision = up::send(prepared, self.port)?;
        if is_new || self.shown.as_ref().is_none_or(|shown| shown.get().is_some()) {
            self.show_log(&prepared.name, seen);
        }
        let settled = up::settle(&prepared.name, revision, before.as_ref());
        let Some(running) = &mut self.runs else { return Ok(()) };
        // The same is not tried again before something is saved.
        running.digest = prepared.digest;
        let application = match settled {
            Ok(application) => application,
            Err(failure) => {
                if let Some(revision) = running.revision {
                    let question = Question::Rollback { application: prepared.name.clone(), revision };
                    if let Some(Answer::Revision { revision, .. }) = parent::ask(&question)? {
                        running.revision = Some(revision);
                    }
                }
                return Err(failure);
            }
        };
        running.revision = Some(revision);
        let changes = changes(before.as_ref(), &application);
        let changes = if changes.is_empty() { "no space changed".to_owned() } else { changes.join(", ") };
        print::text(&format!("{} revision {revision}: {changes}\n", prepared.name))?;
        if is_new { super::desk() } else { Ok(()) }
    }

    /// Prints what spaces say from a number on, beside what this command does.
    fn show_log(&mut self, name: &str, seen: u64) {
        let (name, interrupted) = (name.to_owned(), Arc::clone(&self.interrupted));
        let shown = Arc::clone(self.shown.insert(Arc::default()));
        thread::spawn(move || {
            let followed = log::follow(&name, seen, &|| interrupted.load(Ordering::Relaxed));
            if let Err(failure) = &followed
                && failure.id() != client::GONE
            {
                failure.print();
            }
            shown.get_or_init(|| if followed.is_ok() { End::Down } else { End::Gone });
        });
    }

    /// Why what spaces say is no longer shown, once.
    fn end_of_log(&mut self) -> Option<End> {
        let end = self.shown.as_ref()?.get().copied()?;
        self.shown = None;
        Some(end)
    }

    /// Has another parent go on with what the last one ran.
    fn revive(&mut self) -> Result<(), Failure> {
        say("the parent ended; another one goes on with what it ran\n");
        parent::start(self.port)?;
        let Some(name) = self.runs.as_ref().map(|running| running.name.clone()) else { return Ok(()) };
        self.show_log(&name, 0);
        super::desk()
    }

    /// Somebody else has ended what runs.
    fn tell_down(&mut self) {
        if let Some(running) = &mut self.runs {
            running.revision = None;
            say(&format!("{} is down; a change brings it up again\n", running.name));
        }
    }

    fn goes_on(&self) {
        let goes_on = self.runs.as_ref().filter(|running| running.revision.is_some());
        let goes_on = goes_on.map(|running| format!("{} goes on as it was; ", running.name));
        say(&format!("{}waiting for a change\n", goes_on.unwrap_or_default()));
    }

    /// Stops what this command brought up.
    fn end(&mut self) -> Result<(), Failure> {
        if let Some(running) = self.runs.take().filter(|running| !running.was_up) {
            let question = Question::Stop { application: running.name, purge: false };
            if parent::ask(&question)?.is_none() {
                // The next one would go on with it.
                parent::start(None)?;
                parent::ask(&question)?;
            }
        }
        Ok(())
    }
}

/// What happened to spaces.
fn changes(before: Option<&Application>, after: &Application) -> Vec<String> {
    let was = |name: &str| before.and_then(|before| before.spaces.iter().find(|space| space.name == name));
    let mut changes: Vec<String> = after
        .spaces
        .iter()
        .filter_map(|space| match was(&space.name) {
            None => Some(format!("{} is new", space.name)),
            Some(earlier) if earlier.instance != space.instance => Some(format!("{} is live", space.name)),
            Some(_) => None,
        })
        .collect();
    let is_there = |name: &str| after.spaces.iter().any(|space| space.name == name);
    let gone = before.into_iter().flat_map(|before| &before.spaces).filter(|space| !is_there(&space.name));
    changes.extend(gone.map(|space| format!("{} is gone", space.name)));
    changes
}
