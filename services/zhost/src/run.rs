//! One topology on this machine: its spaces, their messages, and the process that they run in.

mod agents;
mod begin;
mod effects;
mod house;
mod member;
mod operator;
mod pages;
mod process;
mod quota;
mod recognizers;

use crate::application::Application;
use crate::book::Book;
use crate::descriptors::explained;
use crate::values::{Ask, Values};
pub use agents::{ANSWERS, Secrets, Sources, certificates, missing, missing_of, secrets};
use agents::{Agents, Calls, FUNCTION_TIME};
use house::House;
pub use house::Look;
pub use member::Standing;
use member::{Member, Storage};
use process::Process;
use quota::Processor;
use recognizers::Recognizers;
use sci::guest::ErrorCode;
use sci::sign::PublicKey;
use services_zmesh::file::{self, Fsync, Opening};
use services_zmesh::{Instance, Observed, TapError, TapId, Time};
use services_zrun::Counts;
use services_zrun::agents::Spent;
use services_zrun::linux::{Done, Event, Orders, Rack, Sounds};
use services_zrun::remote::{Concern, Slow, capability, concerns, reply_of};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a topology has of the machine.
pub struct Ways {
    /// Tells control that something happened.
    pub nudge: Sender<()>,
    /// The machine's sensors and actuators.
    pub rack: Rack,
    /// The machine's sound, if it has any.
    pub sounds: Option<Sounds>,
    /// Where the secrets are.
    pub secrets: PathBuf,
    /// Where the certificates of issuers are.
    pub certificates: PathBuf,
    /// Whose images are run.
    pub keys: Vec<PublicKey>,
}

/// One topology on this machine.
pub struct Run {
    name: String,
    /// The machine's own name among the spaces.
    end: String,
    book: Arc<Book>,
    values: Values,
    house: Mutex<House>,
    process: Process,
    agents: Agents,
    recognizers: Recognizers,
    ways: Ways,
    began: Instant,
}

impl Run {
    /// A topology of which nothing runs yet. `life` is higher in each life of the parent.
    pub fn new(
        application: Arc<Application>,
        folder: &Path,
        host: (&str, u64),
        ways: Ways,
    ) -> Result<Arc<Self>, String> {
        let name = application.name().to_owned();
        let began = Instant::now();
        let (host, incarnation) = host;
        let opening = Opening {
            topology: &name,
            host,
            incarnation,
            // What a power failure takes along is what the disk had not yet.
            fsync: Fsync::Never,
            running: &[],
            time: time_since(began),
        };
        let mut mesh =
            file::open(&folder.join("messages"), &opening).map_err(|error| error.to_string())?.mesh;
        mesh.write_takes_later();
        let book = Arc::new(Book::new(folder));
        let house = House {
            mesh,
            application,
            revision: 0,
            members: BTreeMap::new(),
            past: BTreeMap::new(),
            numbers: BTreeMap::new(),
            last_number: 0,
            calls: Calls::default(),
            operator: None,
            processor: Processor::default(),
            is_closed: false,
        };
        let recognizers = Recognizers::default();
        ways.rack.watch(recognizers.watcher(ways.nudge.clone()));
        let run = Arc::new(Self {
            agents: Agents::new(folder, &ways, &book)?,
            values: Values::new(folder, Arc::clone(&book)),
            name,
            end: format!("@{host}"),
            book,
            house: Mutex::new(house),
            process: Process::default(),
            recognizers,
            ways,
            began,
        });
        run.agents.belong_to(&run);
        Process::begin(&run);
        Ok(run)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is said in it and of it.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// What runs.
    pub fn application(&self) -> Arc<Application> {
        Arc::clone(&self.house().application)
    }

    /// The number of the revision whose paths it has; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.house().revision
    }

    fn house(&self) -> MutexGuard<'_, House> {
        self.house.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time for the mesh.
    fn now(&self) -> Time {
        time_since(self.began)
    }

    /// Whether it could be this.
    pub fn check(&self, application: &Application) -> Result<(), String> {
        self.agents.read(application).map(drop)
    }

    /// Takes what the topology is from now on: paths that are no more lose their messages.
    pub fn declare(&self, application: &Arc<Application>, revision: u64) -> Result<(), String> {
        let mut house = self.house();
        if revision <= house.revision {
            return Ok(());
        }
        self.agents.declare(application)?;
        self.recognizers.declare(application);
        let mut declaration = application.declaration_with_calls(revision, &self.end, FUNCTION_TIME);
        operator::declare(application, &mut declaration);
        house.mesh.declare(&declaration, self.now()).map_err(|error| error.to_string())?;
        house.take_operator(self);
        house.take_calls(self, &application.functions().map(|(function, _)| function).collect());
        house.application = Arc::clone(application);
        house.revision = revision;
        house.deliver(self);
        Ok(())
    }

    /// Starts a space; one that runs of it is ended.
    pub fn start(&self, space: &str, epoch: u64) {
        let mut house = self.house();
        if let Some(number) = house.members.get(space).and_then(|member| member.number) {
            house.numbers.remove(&number);
            self.process.stop(number);
        }
        let mut member = Member::new(epoch);
        match house.mesh.start(Instance { space, number: epoch }, self.now()) {
            Ok(()) => self.begin(&mut house, space, &mut member),
            Err(error) => member.standing = Standing::failed(error.to_string()),
        }
        house.began(self, space, member);
        house.deliver(self);
    }

    /// A space that was to start cannot.
    pub fn refuse(&self, space: &str, epoch: u64, why: String) {
        let mut member = Member::new(epoch);
        member.standing = Standing::failed(why);
        self.house().began(self, space, member);
    }

    /// Ends a space: it is asked to, and ended when it has not by then.
    pub fn stop(&self, space: &str, epoch: u64, patience: Duration) {
        let mut house = self.house();
        let Some(member) = house.members.get_mut(space).filter(|member| member.epoch <= epoch) else {
            return;
        };
        if member.standing.has_ended() {
            return;
        }
        let deadline = Instant::now() + patience;
        member.end_by = Some(member.end_by.map_or(deadline, |earlier| earlier.min(deadline)));
        match member.number {
            Some(_) => house.call(self, space),
            None => house.ended(self, space, Standing::ended("it was stopped")),
        }
    }

    /// Ends a space at once, as a failure.
    pub fn kill(&self, space: &str, reason: &str) -> bool {
        let mut house = self.house();
        let Some(member) = house.members.get_mut(space).filter(|member| !member.standing.has_ended()) else {
            return false;
        };
        member.ending.get_or_insert_with(|| reason.to_owned());
        let number = member.number;
        drop(house);
        self.book.event(space, reason);
        match number {
            Some(number) => self.process.stop(number),
            None => {
                self.house().ended(self, space, Standing::failed(reason.to_owned()));
            }
        }
        true
    }

    /// What every space of it is doing, with the number of its start.
    pub fn standings(&self) -> Vec<(String, u64, Standing)> {
        let house = self.house();
        let members = house.members.iter();
        members.map(|(name, member)| (name.clone(), member.epoch, member.standing.clone())).collect()
    }

    /// Nothing of it runs.
    pub fn is_idle(&self) -> bool {
        self.house().members.values().all(|member| member.standing.has_ended())
    }

    /// Lets time pass.
    pub fn tick(&self) {
        if self.recognizers.is_any() {
            // Nobody else may ask for readings.
            self.ways.rack.advance();
            self.show_readings();
        }
        let mut house = self.house();
        house.mesh.tick(self.now());
        for recognized in self.recognizers.take() {
            house.tell(self, &recognized);
        }
        house.judge(self);
        let now = Instant::now();
        let late: Vec<u32> = house
            .members
            .values_mut()
            .filter(|member| member.end_by.is_some_and(|deadline| deadline <= now))
            .filter_map(|member| member.number)
            .collect();
        for number in late {
            self.process.stop(number);
        }
        let names: Vec<String> = house.members.keys().cloned().collect();
        for name in &names {
            house.call(self, name);
            house.tell_late(self, name);
        }
        house.deliver(self);
    }

    /// Ends its process, and with it whatever runs, and closes its files: another run of it may begin, whoever still looks
    /// at this one.
    pub fn end(&self) {
        self.process.end();
        self.house().close();
        self.agents.end();
        self.recognizers.end();
        self.values.end();
        self.book.close();
    }

    /// Whether it was ended.
    pub fn is_over(&self) -> bool {
        self.house().is_closed
    }

    /// Puts a message into a space's own queue, or sends it along a path, as the space itself could.
    pub fn send(&self, space: &str, path: Option<&str>, body: &[u8]) -> Result<u64, (ErrorCode, String)> {
        self.house().emit(self, space, path, body)
    }

    /// Copies what passes on a path from now on.
    pub fn tap(&self, from: &str, path: &str) -> Result<TapId, TapError> {
        self.house().mesh.tap(from, path)
    }

    /// What passed since the last time.
    pub fn observe(&self, tap: TapId) -> Vec<Observed> {
        let mut house = self.house();
        std::iter::from_fn(|| house.mesh.observe(tap)).collect()
    }

    /// Ends a tap.
    pub fn untap(&self, tap: TapId) {
        self.house().mesh.untap(tap);
    }

    /// What a space's intelligence cache did, if it has used it.
    pub fn cache(&self, space: &str) -> Option<Counts> {
        self.values.counts(space)
    }

    /// What was spent on a model of its own today.
    pub fn spent(&self, model: &str) -> Spent {
        self.agents.spent(model)
    }

    /// What is seen of it from outside, given to a function.
    pub fn look<T>(&self, with: impl FnOnce(&Look<'_>) -> T) -> T {
        let house = self.house();
        with(&Look(&house))
    }

    /// What happened in the process.
    fn happened(&self, event: Event, orders: &Orders) {
        match event {
            Event::Request { space, request } => self.requested(space, request, orders),
            Event::Memory { space, bytes } => {
                let mut house = self.house();
                let Some(name) = house.numbers.get(&space).cloned() else { return };
                if let Some(member) = house.members.get_mut(&name) {
                    member.memory = bytes;
                }
            }
            Event::Ended { space, result, .. } => {
                let why = result.as_ref().err().map_or("it was stopped", |report| &report.message);
                if self.recognizer_ended(space, why) {
                    return;
                }
                let mut house = self.house();
                let Some(name) = house.numbers.get(&space).cloned() else { return };
                let member = house.members.get(&name);
                let is_asked = member.is_some_and(|member| member.end_by.is_some());
                let ending = member.and_then(|member| member.ending.clone());
                let standing = match result {
                    _ if ending.is_some() => Standing::failed(ending.unwrap_or_default()),
                    Ok(()) if is_asked => Standing::ended("it was stopped"),
                    Ok(()) => Standing::ended("it ended"),
                    Err(_) if is_asked => Standing::ended(
                        "it was stopped, and did not end by itself in the time that it has [deadline-close]",
                    ),
                    Err(report) => Standing::failed(explained(&report.message)),
                };
                house.ended(self, &name, standing);
                house.deliver(self);
            }
        }
    }

    fn requested(&self, number: u32, request: Vec<u8>, orders: &Orders) {
        if self.recognizer_said(number, &request) {
            return;
        }
        let mut house = self.house();
        let Some(name) = house.numbers.get(&number).cloned() else { return };
        let Some(member) = house.members.get_mut(&name) else { return };
        let Some(server) = member.server else { return };
        if let Some(capability) = capability(&request) {
            member.count(capability);
        }
        if let Some(slow) = server.slow(&request) {
            let orders = orders.clone();
            let done: Done = Box::new(move |result| orders.reply(number, &reply_of(result)));
            return match (slow, &member.bench) {
                (Slow::Invoke { kind, name: agent, input }, _) => {
                    self.agents.start(&name, kind, agent, input, done);
                }
                (Slow::Command { lock, action }, Some(bench)) => bench.start(lock, action, done),
                (Slow::Command { .. }, None) => done(Err(ErrorCode::Unsupported)),
            };
        }
        match concerns(&request) {
            concern @ (Concern::Values | Concern::Cache) => {
                let Storage { bytes: quota, is_strict, is_ephemeral } = member.storage;
                let (ephemeral, share) = (is_ephemeral.then_some(member.epoch), member.share);
                let orders = orders.clone();
                let nudge = self.ways.nudge.clone();
                drop(house);
                let is_cache = concern == Concern::Cache;
                let embedder = is_cache.then(|| self.agents.embedder(&name)).flatten();
                self.values.serve(Ask {
                    space: name,
                    number,
                    server,
                    request,
                    orders,
                    share,
                    quota,
                    is_strict,
                    ephemeral,
                    embedder,
                    nudge,
                });
            }
            Concern::Arrival(wait) => house.waits(self, &name, wait),
            Concern::Result | Concern::Other => {
                let reply = house.serve(self, &name, server, &request);
                // Whoever gets the message may begin while its sender is told.
                house.deliver(self);
                house.reply(self, &name, number, reply);
            }
        }
    }

    /// The process of its spaces is gone, and they with it.
    fn process_ended(&self, why: &str) {
        let mut house = self.house();
        self.recognizers.process_ended();
        let waits_for_the_next = self.process.gone();
        let gone: Vec<String> = house
            .numbers
            .iter()
            .filter(|(number, _)| !waits_for_the_next.contains(number))
            .map(|(_, name)| name.clone())
            .collect();
        for name in gone {
            house.ended(self, &name, Standing::failed(format!("its process {why}")));
        }
        house.deliver(self);
    }
}

fn not_running(space: &str) -> (ErrorCode, String) {
    (ErrorCode::Closed, format!("`{space}` does not run: see `space status`"))
}

/// Milliseconds since 1970.
fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// The time for the mesh.
fn time_since(began: Instant) -> Time {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH);
    Time {
        monotonic: began.elapsed().as_nanos() as u64,
        realtime: realtime.map_or(0, |time| time.as_nanos() as u64),
    }
}
