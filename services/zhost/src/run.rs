//! One topology on this machine: its spaces, their messages, and the process that they run in.

mod effects;
mod house;
mod member;
mod process;

use crate::application::{Application, MEMORY_BYTES, STORAGE_BYTES};
use crate::book::Book;
use crate::values::{Ask, Values};
use house::House;
pub use house::Look;
use member::Member;
pub use member::Standing;
use process::Process;
use sci::guest::{ErrorCode, GuestCapability};
use sci::sign::PublicKey;
use services_zmesh::file::{self, Fsync, Opening};
use services_zmesh::{Instance, Message, Observed, TapId, Time};
use services_zrun::Grants;
use services_zrun::launch::Texts;
use services_zrun::linux::{Done, Event, Job, Limits, Orders, Rack};
use services_zrun::remote::{Concern, Server, Slow, arrived, capability, concerns, reply_of};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One topology on this machine.
pub struct Run {
    name: String,
    keys: Vec<PublicKey>,
    book: Arc<Book>,
    values: Values,
    house: Mutex<House>,
    process: Process,
    /// Tells control that something happened.
    nudge: Sender<()>,
    /// The machine's sensors and actuators.
    rack: Rack,
    began: Instant,
}

impl Run {
    /// A topology of which nothing runs yet. `life` is higher in each life of the parent.
    pub fn new(
        application: Arc<Application>,
        folder: &Path,
        host: (&str, u64),
        keys: Vec<PublicKey>,
        (nudge, rack): (Sender<()>, Rack),
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
        let mesh = file::open(&folder.join("messages"), &opening).map_err(|error| error.to_string())?.mesh;
        let book = Arc::new(Book::new(folder));
        let house = House {
            mesh,
            application,
            revision: 0,
            members: BTreeMap::new(),
            numbers: BTreeMap::new(),
            last_number: 0,
            is_closed: false,
        };
        let run = Arc::new(Self {
            values: Values::new(folder.join("data"), Arc::clone(&book)),
            name,
            keys,
            book,
            house: Mutex::new(house),
            process: Process::default(),
            nudge,
            rack,
            began,
        });
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

    fn house(&self) -> MutexGuard<'_, House> {
        self.house.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time for the mesh.
    fn now(&self) -> Time {
        time_since(self.began)
    }

    /// Takes what the topology is from now on: paths that are no more lose their messages.
    pub fn declare(&self, application: &Arc<Application>, revision: u64) -> Result<(), String> {
        let mut house = self.house();
        if revision <= house.revision {
            return Ok(());
        }
        let declaration = application.declaration(revision);
        house.mesh.declare(&declaration, self.now()).map_err(|error| error.to_string())?;
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
        self.book.event(space, &format!("start {epoch}: {}", member.standing));
        house.members.insert(space.to_owned(), member);
        house.deliver(self);
    }

    /// A space that was to start cannot.
    pub fn refuse(&self, space: &str, epoch: u64, why: String) {
        let mut member = Member::new(epoch);
        member.standing = Standing::failed(why);
        self.book.event(space, &format!("start {epoch}: {}", member.standing));
        self.house().members.insert(space.to_owned(), member);
    }

    fn begin(&self, house: &mut House, space: &str, member: &mut Member) {
        let application = Arc::clone(&house.application);
        let (Some(node), Some(content)) = (application.node(space), application.contents.get(space)) else {
            member.standing = Standing::failed(format!("the package has no space `{space}`"));
            return;
        };
        member.grants = Grants::of(node.grant.mask());
        let Some(image) = &content.image else {
            member.standing = Standing::Running;
            return;
        };
        member.server = Some(Server::new(member.grants, &mut effects::machine()));
        member.quota = node.placement.resources.storage_bytes.or(content.quota).unwrap_or(STORAGE_BYTES);
        member.ephemeral = content.ephemeral;
        member.bench = Some(self.rack.for_space(next_bench(), Some(content.devices.clone())));
        house.last_number = house.last_number.wrapping_add(1);
        let number = house.last_number;
        member.number = Some(number);
        house.numbers.insert(number, space.to_owned());
        let memory = node.placement.resources.memory_bytes.unwrap_or(MEMORY_BYTES);
        let job = Job {
            texts: Texts { name: space.to_owned(), arguments: Vec::new(), environment: Vec::new() },
            grants: member.grants.mask(),
            seed: content.hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
            limits: Limits { time: None, memory_bytes: Some(memory), fuel: None },
            is_sampled: false,
            keys: self.keys.clone(),
            is_last: false,
        };
        self.process.start(number, job, image);
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
            Some(number) if member.awaits => {
                member.awaits = false;
                self.process.reply(number, &arrived(false));
            }
            Some(_) => {}
            None => {
                house.ended(self, space, Standing::ended("it was stopped"));
            }
        }
    }

    /// Ends a space at once, as a failure.
    pub fn kill(&self, space: &str, reason: &str) -> bool {
        let house = self.house();
        let Some(member) = house.members.get(space).filter(|member| !member.standing.has_ended()) else {
            return false;
        };
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
        let mut house = self.house();
        house.mesh.tick(self.now());
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
        }
        house.deliver(self);
    }

    /// Ends its process, and with it whatever runs, and closes its files: another run of it may begin, whoever still looks
    /// at this one.
    pub fn end(&self) {
        self.process.end();
        self.house().close();
        self.values.end();
        self.book.close();
    }

    /// Whether it was ended.
    pub fn is_over(&self) -> bool {
        self.house().is_closed
    }

    /// Puts a message into a space's own queue, as the space itself could.
    pub fn send(&self, space: &str, body: &[u8]) -> Result<u64, (ErrorCode, String)> {
        self.house().emit(self, space, None, body)
    }

    /// Sends a message along a path of a user interface, for its page.
    pub fn emit(&self, space: &str, to: &str, body: &[u8]) -> Result<u64, (ErrorCode, String)> {
        let mut house = self.house();
        if let Some(member) = house.members.get_mut(space) {
            member.count(GuestCapability::NetEmitTo);
        }
        house.emit(self, space, Some(to), body)
    }

    /// Gives a user interface the events of a name from now on.
    pub fn subscribe(&self, space: &str, event: &str) -> Result<(), (ErrorCode, String)> {
        let mut house = self.house();
        let Some(member) = house.members.get_mut(space).filter(|member| !member.standing.has_ended()) else {
            return Err(not_running(space));
        };
        member.count(GuestCapability::EventsSubscribe);
        let instance = Instance { space, number: member.epoch };
        house.mesh.subscribe(instance, event, self.now()).map_err(|error| (error.code(), error.to_string()))
    }

    /// Takes the oldest message that waits for a user interface's page.
    pub fn next_shown(&self, space: &str) -> Option<Message> {
        let mut house = self.house();
        let member = house.members.get_mut(space)?;
        let message = member.shown.pop_front()?;
        member.count(GuestCapability::NetRecvNext);
        Some(message)
    }

    /// Copies what passes on a path from now on.
    pub fn tap(&self, from: &str, path: &str) -> Option<TapId> {
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

    /// What is seen of it from outside, given to a function.
    pub fn look<T>(&self, with: impl FnOnce(&Look<'_>) -> T) -> T {
        let house = self.house();
        with(&Look(&house))
    }

    /// What happened in the process.
    fn happened(&self, event: Event, orders: &Orders) {
        match event {
            Event::Request { space, request } => self.requested(space, request, orders),
            Event::Ended { space, result, .. } => {
                let mut house = self.house();
                let Some(name) = house.numbers.get(&space).cloned() else { return };
                let is_asked = house.members.get(&name).is_some_and(|member| member.end_by.is_some());
                let standing = match result {
                    Ok(()) if is_asked => Standing::ended("it was stopped"),
                    Ok(()) => Standing::ended("it ended"),
                    Err(_) if is_asked => {
                        Standing::ended("it was stopped, and did not end by itself in time")
                    }
                    Err(report) => Standing::failed(report.message),
                };
                house.ended(self, &name, standing);
                house.deliver(self);
            }
        }
    }

    fn requested(&self, number: u32, request: Vec<u8>, orders: &Orders) {
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
                (Slow::Command { lock, action }, Some(bench)) => bench.start(lock, action, done),
                _ => done(Err(ErrorCode::Unsupported)),
            };
        }
        match concerns(&request) {
            Concern::Values => {
                let (quota, epoch) = (member.quota, member.epoch);
                let ephemeral = member.ephemeral.then_some(epoch);
                drop(house);
                let orders = orders.clone();
                self.values.serve(Ask { space: name, number, server, request, orders, quota, ephemeral });
            }
            Concern::Arrival => {
                if member.standing == Standing::Starting {
                    member.standing = Standing::Running;
                    let _ = self.nudge.send(());
                }
                member.awaits = true;
                let instance = Instance { space: &name, number: member.epoch };
                // It runs, or it would not ask.
                let _ = house.mesh.finish(instance, self.now());
                house.call(self, &name);
                house.deliver(self);
            }
            Concern::Other => {
                let reply = house.serve(self, &name, server, &request);
                orders.reply(number, &reply);
                house.deliver(self);
            }
        }
    }

    /// The process of its spaces is gone, and they with it.
    fn process_ended(&self, why: &str) {
        let mut house = self.house();
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

/// A number for each start of a space that has devices, whatever its topology.
fn next_bench() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

fn not_running(space: &str) -> (ErrorCode, String) {
    (ErrorCode::Closed, format!("`{space}` does not run: see `space status`"))
}

/// The time for the mesh.
fn time_since(began: Instant) -> Time {
    let realtime = SystemTime::now().duration_since(UNIX_EPOCH);
    Time {
        monotonic: began.elapsed().as_nanos() as u64,
        realtime: realtime.map_or(0, |time| time.as_nanos() as u64),
    }
}
