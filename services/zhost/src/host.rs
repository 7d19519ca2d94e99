//! Control of a machine's spaces: what is submitted, what is ordered, what is reported.

mod door;
mod kept;
mod offer;
mod show;

use door::Door;
pub use kept::{Kept, kept};
pub use offer::read_devices;
use offer::{describe, wrong_devices};

use crate::application::{Application, Loader};
use crate::client::ENDING;
use crate::descriptors::explained;
use crate::home::{Home, HomeError, Lock, hex};
use crate::question::{PastRevision, Problem};
use crate::run::{Run, Standing, Ways};
use sci::digest::sha256;
use sci::sign::PublicKey;
use services_zdesk::view::Action;
use services_zrms::action::{self, Address, Fence, Instance, InstanceState, Order, Report};
use services_zrms::control::{Config, Control, ControlError, Revision, Submission};
use services_zrms::place::Host as Description;
use services_zrms::store::{Disk, StoreError};
use services_zrun::linux::{Rack, Socket, Sounds, trim_heap};
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// This machine's name, while there is one.
const NAME: &str = "local";
/// Time from one step to the next when nothing happens.
const STEP: Duration = Duration::from_millis(50);
/// What to do about a full disk.
const ROOM: &str = "free some space on the disk of `$SPACE_HOME`: `space doctor` says what lies there";
/// How long an application has to end, beyond the deadlines of its spaces.
const PATIENCE: Duration = Duration::from_secs(10);

/// The parent of a machine's spaces.
pub struct Host {
    home: Home,
    taken: Lock,
    loader: Box<dyn Loader>,
    control: Mutex<Control<Disk>>,
    fence: Mutex<Fence>,
    life: u64,
    /// Of reports.
    sequence: AtomicU64,
    description: Description,
    runs: Mutex<BTreeMap<String, Arc<Run>>>,
    /// Packages that were verified in this life.
    applications: Mutex<BTreeMap<[u8; 32], Arc<Application>>>,
    rack: Rack,
    sounds: Option<Sounds>,
    /// Where attached devices come in.
    _socket: Option<Socket>,
    nudge: Sender<()>,
    nudged: Mutex<Receiver<()>>,
    /// Packages that are being verified, which may take long.
    submissions: Door,
    began: Instant,
    resumed: OnceLock<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_control(home: &Home, trusted: Vec<PublicKey>) -> Result<Control<Disk>, Problem> {
    let path = home.control();
    let damaged = |error: &dyn std::fmt::Display| {
        Problem::new("damaged-state", format!("{}: {error}", path.display()))
            .help("move the file away: applications have to be brought up again, what they stored stays")
    };
    let store = Disk::open(&path).map_err(|error| damaged(&error))?;
    Control::open(store, Config { trusted, ..Config::default() }, 0).map_err(|error| damaged(&error))
}

fn past(revision: &Revision) -> PastRevision {
    PastRevision {
        number: revision.number,
        of: revision.of,
        package: hex(&revision.package),
        spaces: revision.spaces.iter().map(|space| space.name.clone()).collect(),
    }
}

impl Host {
    /// Takes the folder over, and goes on with what ran there.
    pub fn open(home: Home, loader: Box<dyn Loader>) -> Result<Arc<Self>, Problem> {
        let taken = home.lock().map_err(|error| match error {
            HomeError::Taken(_) => Problem::new("already-running", error.to_string())
                .help("`space ps` lists what it runs; `space down` stops it"),
            HomeError::Io(..) => Problem::new("io", error.to_string()),
        })?;
        home.make(&home.packages()).map_err(|error| Problem::new("io", error.to_string()))?;
        let control = open_control(&home, loader.keys())?;
        let life = control.term();
        let (nudge, nudged) = mpsc::channel();
        let devices = read_devices(&home)?;
        let time = Box::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |time| time.as_millis() as u64)
        });
        let (rack, socket) =
            devices.start(home.folder(), time).map_err(|error| wrong_devices(&home, &error))?;
        let sounds = devices.sounds(home.folder()).map_err(|error| wrong_devices(&home, &error))?;
        Ok(Arc::new(Self {
            rack,
            sounds,
            _socket: socket,
            home,
            taken,
            fence: Mutex::new(Fence::new(life, loader.keys())),
            loader,
            control: Mutex::new(control),
            life,
            sequence: AtomicU64::new(1),
            description: describe(&devices),
            runs: Mutex::default(),
            applications: Mutex::default(),
            nudge,
            nudged: Mutex::new(nudged),
            submissions: Door::default(),
            began: Instant::now(),
            resumed: OnceLock::new(),
        }))
    }

    /// Where its state is.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Lets control go on until `is_over`; then everything is ended.
    pub fn live(&self, is_over: impl Fn() -> bool) {
        let nudged = lock(&self.nudged);
        while !self.submissions.shut(&is_over) {
            self.step();
            self.resumed.get_or_init(|| ());
            match nudged.recv_timeout(STEP) {
                // However often it was told, one step does.
                Ok(()) => while nudged.try_recv().is_ok() {},
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for run in lock(&self.runs).values() {
            run.end();
        }
        // Whoever asks from now on waits until the folder is free.
        if let Ok((_folder, socket)) = self.home.socket() {
            let _ = fs::remove_file(socket);
        }
        self.taken.leave();
    }

    /// Waits until what the last parent ran has begun again: before, nothing that is up is found.
    pub fn wait_until_resumed(&self) {
        self.resumed.wait();
    }

    fn runs(&self) -> Vec<Arc<Run>> {
        lock(&self.runs).values().cloned().collect()
    }

    /// The topology of a name that runs here, or ran.
    pub fn run(&self, name: &str) -> Result<Arc<Run>, Problem> {
        lock(&self.runs).get(name).cloned().ok_or_else(|| unknown(name))
    }

    /// The same, of which something is to run.
    pub fn run_that_is_up(&self, name: &str) -> Result<Arc<Run>, Problem> {
        self.run(name).map_err(|unknown| {
            let is_known = lock(&self.control).topologies().any(|known| known == name);
            if is_known { not_up(name) } else { unknown }
        })
    }

    fn step(&self) {
        let mut instances = Vec::new();
        for run in self.runs() {
            run.tick();
            let topology = run.name();
            instances.extend(run.standings().into_iter().map(|(space, epoch, standing)| Instance {
                space: Address { topology: topology.to_owned(), space },
                epoch,
                state: match standing {
                    Standing::Starting => InstanceState::Starting,
                    Standing::Running => InstanceState::Running,
                    Standing::Ended { failed, reason } => InstanceState::Ended { failed, reason },
                },
            }));
        }
        let now = self.began.elapsed().as_millis() as u64;
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let report = Report { host: self.description.clone(), life: self.life, sequence, instances };
        let mut control = lock(&self.control);
        // What could not be stored is reported again.
        let _ = control.report(report);
        let actions = match control.step(now) {
            Ok(actions) => actions,
            Err(error) => {
                self.trouble(&error);
                return;
            }
        };
        drop(control);
        for action in actions {
            self.follow(&action);
        }
        for run in self.runs() {
            self.follow_revision(&run);
        }
    }

    /// Paths and what pages see change also where no space does, and then no start tells of it.
    fn follow_revision(&self, run: &Run) {
        let control = lock(&self.control);
        let arrived = control.arrived(run.name()).map(|revision| (revision.number, revision.package));
        drop(control);
        let Some((number, package)) = arrived.filter(|(number, _)| *number > run.revision()) else { return };
        let declared = self
            .application(&package)
            .map_err(|problem| problem.message)
            .and_then(|application| run.declare(&application, number));
        if let Err(why) = declared {
            say_once(run, &format!("revision {number} is not taken: {why}"));
        }
    }

    /// Control cannot go on; what runs does.
    fn trouble(&self, error: &ControlError) {
        for run in self.runs() {
            say_once(&run, &format!("control cannot go on: {error}"));
        }
    }

    fn follow(&self, action: &action::Action) {
        let Address { topology, space } = &action.space;
        match lock(&self.fence).admit(action) {
            Ok(true) => {}
            Ok(false) => return,
            Err(refusal) => {
                if let Ok(run) = self.run(topology) {
                    run.book().event(space, &refusal.to_string());
                }
                return;
            }
        }
        match &action.order {
            Order::Start { revision, package, .. } => {
                let begun =
                    self.application(package).map_err(|problem| problem.message).and_then(|application| {
                        let run = self.begin(&application)?;
                        run.declare(&application, *revision)?;
                        Ok(run)
                    });
                match begun {
                    Ok(run) => run.start(space, action.epoch),
                    Err(why) => {
                        if let Ok(run) = self.run(topology) {
                            run.refuse(space, action.epoch, why);
                        }
                    }
                }
            }
            Order::Stop { deadline } => {
                if let Ok(run) = self.run(topology) {
                    run.stop(space, action.epoch, Duration::from_millis(*deadline));
                }
            }
        }
    }

    /// The run of an application, begun if there is none.
    fn begin(&self, application: &Arc<Application>) -> Result<Arc<Run>, String> {
        let name = application.name();
        let mut runs = lock(&self.runs);
        if let Some(run) = runs.get(name) {
            return Ok(Arc::clone(run));
        }
        let folder = self.home.application(name);
        self.home.make(&folder).map_err(|error| error.to_string())?;
        let ways = Ways {
            nudge: self.nudge.clone(),
            rack: self.rack.clone(),
            sounds: self.sounds.clone(),
            secrets: self.home.secrets(),
            certificates: self.home.certificates(),
            keys: self.loader.keys(),
        };
        let run = Run::new(Arc::clone(application), &folder, (NAME, self.life), ways)
            .map_err(|error| explained(&error))?;
        runs.insert(name.to_owned(), Arc::clone(&run));
        Ok(run)
    }

    /// What a package says, verified once in this life.
    fn application(&self, package: &[u8; 32]) -> Result<Arc<Application>, Problem> {
        let known = lock(&self.applications).get(package).cloned();
        known.map_or_else(|| self.verify(package), Ok)
    }

    /// Verifies a package that is kept: what was trusted before may not be now.
    fn verify(&self, package: &[u8; 32]) -> Result<Arc<Application>, Problem> {
        let path = self.home.package(package);
        let read = |error: std::io::Error| {
            Problem::new("no-package", explained(&format!("{}: {error}", path.display())))
                .help("bring the application up from its source again")
        };
        let bytes = fs::read(&path).map_err(read)?;
        if sha256(&bytes) != *package {
            let message = format!("{} is damaged", path.display());
            return Err(Problem::new("no-package", message)
                .help("remove it, and bring the application up from its source again"));
        }
        let mut application = self.loader.load(&bytes)?;
        drop(bytes);
        let folder = path.parent().unwrap_or(&path);
        let stowed = application.stow(folder);
        stowed.map_err(|error| {
            let message = format!("its images cannot be written in {}: {error}", folder.display());
            Problem::new("io", explained(&message)).help(ROOM)
        })?;
        // What it took to verify and compile is much more than what is left of it.
        trim_heap();
        let application = Arc::new(application);
        lock(&self.applications).insert(*package, Arc::clone(&application));
        Ok(application)
    }

    /// Takes a package that is to run: the application's name and the revision's number.
    pub fn submit(&self, package: &[u8; 32]) -> Result<(String, u64), Problem> {
        let ends = || Problem::new(ENDING, "the parent ends, and takes nothing more");
        let _visit = self.submissions.enter().ok_or_else(ends)?;
        self.take(package)
    }

    fn take(&self, package: &[u8; 32]) -> Result<(String, u64), Problem> {
        let application = self.verify(package)?;
        let name = application.name().to_owned();
        // There it is asked for, also while it waits for a host.
        let run = self.begin(&application).map_err(|error| Problem::new("io", error))?;
        run.check(&application).map_err(|error| Problem::new("io", error))?;
        let submission = Submission {
            package: *package,
            verdict: application.verdict.clone(),
            spaces: application.specs(),
        };
        let revision = lock(&self.control).submit(&name, &submission).map_err(|error| problem(&error))?;
        let _ = self.nudge.send(());
        Ok((name, revision))
    }

    /// Stops an application, and waits until nothing of it runs.
    pub fn stop(&self, name: &str, purge: bool) -> Result<(), Problem> {
        lock(&self.control).stop(name).map_err(|error| problem(&error))?;
        let _ = self.nudge.send(());
        let until = Instant::now() + PATIENCE;
        while !lock(&self.control).status(name).is_ok_and(|status| status.spaces.is_empty()) {
            if Instant::now() > until {
                return Err(Problem::new("still-running", format!("`{name}` did not end in time"))
                    .help("`space status` says what does not end"));
            }
            std::thread::sleep(STEP / 5);
        }
        let run = lock(&self.runs).remove(name);
        if let Some(run) = run {
            run.end();
        }
        if purge {
            lock(&self.control).forget(name).map_err(|error| problem(&error))?;
            let folder = self.home.application(name);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Problem::new("io", format!("{}: {error}", folder.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// An application's revisions, oldest first.
    pub fn history(&self, name: &str) -> Result<Vec<PastRevision>, Problem> {
        let control = lock(&self.control);
        let revisions = control.history(name).map_err(|error| problem(&error))?;
        Ok(revisions.iter().map(past).collect())
    }

    /// Brings a revision of an application back: its new number.
    pub fn rollback(&self, name: &str, revision: u64) -> Result<u64, Problem> {
        let number = lock(&self.control).rollback(name, revision).map_err(|error| problem(&error))?;
        let _ = self.nudge.send(());
        Ok(number)
    }

    /// Does something to a space.
    pub fn act(&self, name: &str, space: &str, action: Action) -> Result<(), Problem> {
        match action {
            Action::Restart => {
                lock(&self.control).restart(name, space).map_err(|error| problem(&error))?;
                let _ = self.nudge.send(());
                Ok(())
            }
            Action::Kill
                if self.run_that_is_up(name)?.kill(space, "it was killed: an operator asked for it") =>
            {
                Ok(())
            }
            Action::Kill => Err(Problem::new("not-running", format!("`{space}` of `{name}` does not run"))
                .help("`space status` says what does")),
        }
    }

    /// Whether nothing is to run, and nobody waits for something to.
    pub fn is_idle(&self) -> bool {
        if !self.submissions.is_empty() {
            return false;
        }
        let control = lock(&self.control);
        let mut names: Vec<String> = control.topologies().map(str::to_owned).collect();
        names.retain(|name| control.status(name).is_ok_and(|status| !status.spaces.is_empty()));
        names.is_empty()
    }
}

/// Says what each step finds anew.
fn say_once(run: &Run, text: &str) {
    let last = run.book().after(run.book().last().saturating_sub(1), None, Duration::ZERO);
    if last.last().is_none_or(|entry| entry.text != text) {
        run.book().event("", text);
    }
}

/// An application was stopped, and is known still.
pub fn not_up(name: &str) -> Problem {
    Problem::new("not-up", format!("`{name}` is not up: nothing of it runs"))
        .help("`space up` brings it up; what it stored is there still")
}

fn unknown(name: &str) -> Problem {
    Problem::new("no-application", format!("there is no application `{name}`"))
        .help("`space ps` lists those that there are")
}

fn problem(error: &ControlError) -> Problem {
    match error {
        ControlError::Topology(name) => unknown(name),
        ControlError::Space(..) => {
            Problem::new("no-such-thing", error.to_string()).help("`space status` lists the spaces")
        }
        ControlError::Revision(..) => {
            Problem::new("no-such-thing", error.to_string()).help("`space topo history` lists the revisions")
        }
        ControlError::Store(StoreError::Full) => Problem::new("control", "the disk is full").help(ROOM),
        other => Problem::new("control", other.to_string()),
    }
}
