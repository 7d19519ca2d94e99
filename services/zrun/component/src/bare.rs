//! The component: what the desk receives, carried out on this machine.

use crate::random::Random;
use crate::senses::Senses;
use crate::space::{Authority, Component, Parameters, client, export};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use services_zrun::remote::{Channel, Desk, Kept, Remote, Server, TooLarge, arrived, exchange};
use services_zrun::{
    Agents, Audio, Cache, Devices, Events, Exact, Grants, InMemory, Mail, Simulation, Store, StoreError,
    World,
};
use space_guest::Status;

/// Bytes of keys and values.
const QUOTA: u64 = 4 << 20;
/// Keys, so that what each takes besides stays far below the heap's size.
const KEYS_MAX: usize = 16 * 1024;
/// Bytes of keys and values of the intelligence cache, and how many there may be.
const CACHE_BYTES: u64 = 1 << 20;
const CACHE_ENTRIES: usize = 1024;
/// Bytes that one call gives to the console: its window.
const CONSOLE_BYTES: usize = 4096;

/// Milliseconds from one question whether an agent has answered to the next.
const SOON: u64 = 4;

/// The host of one guest. It has one client; messages do not say which client they come from.
pub struct Zrun {
    server: Server,
    machine: Machine,
    desk: Desk,
}

/// This machine, as far as the host may use it.
struct Machine {
    console: client::DebugConsole,
    clock: Rc<client::Clock>,
    timer: Rc<client::Notification>,
    epoch: u64,
    random: Random,
    values: Values,
    mail: Letters,
    /// The agents of a guest that is alone.
    agents: Option<Remote<Mesh>>,
    cache: Exact,
    /// What its lines begin with.
    prefix: String,
    /// Whether it has events, where it is alone.
    has_events: bool,
}

/// Where a guest's messages go.
enum Letters {
    /// To itself, and its events.
    Alone(Box<Senses>),
    /// Along its paths.
    Mesh(Remote<Mesh>),
}

/// Where a guest's values are.
enum Values {
    /// Here, as long as the machine runs.
    Here(InMemory),
    /// On the disk.
    Kept(Remote<Kept<client::HostDisk>>),
}

/// The way to the mesh.
struct Mesh {
    host: client::Host,
    clock: Rc<client::Clock>,
    timer: Rc<client::Notification>,
}

impl Component for Zrun {
    fn start(authority: Authority, parameters: Parameters) -> Self {
        let Authority { console, clock, timer, launcher, mail, disk } = authority;
        let (clock, timer) = (Rc::new(clock), Rc::new(timer));
        let seed = [parameters.seed0, parameters.seed1, parameters.seed2, parameters.seed3];
        let described = space_guest::bytes_in_words(parameters.devices_bytes, |at| {
            launcher.data(parameters.devices + at)
        });
        let described = Simulation::read(&described).filter(|_| parameters.devices_bytes > 0);
        let mut mesh = (parameters.together | parameters.agents != 0)
            .then(|| Remote::new(Mesh { host: mail, clock: Rc::clone(&clock), timer: Rc::clone(&timer) }));
        let mut machine = Machine {
            console,
            clock,
            timer,
            epoch: parameters.epoch,
            random: Random::new(seed),
            values: match parameters.kept {
                0 => Values::Here(InMemory::new(QUOTA).with_keys(KEYS_MAX)),
                _ => Values::Kept(Remote::new(Kept(disk))),
            },
            mail: match mesh.take_if(|_| parameters.together != 0) {
                None => Letters::Alone(Box::default()),
                Some(mesh) => Letters::Mesh(mesh),
            },
            agents: mesh,
            prefix: prefix(&parameters),
            cache: Exact::new(CACHE_BYTES, CACHE_ENTRIES),
            has_events: described.is_some(),
        };
        if let (Some(described), Letters::Alone(_)) = (described, &machine.mail) {
            let (name, now) = (name(&parameters), machine.milliseconds());
            machine.mail = Letters::Alone(Box::new(Senses::new(described, &name, now)));
        }
        let server = Server::new(Grants::of(parameters.grants), &mut machine);
        Self { server, machine, desk: Desk::default() }
    }
}

/// What the lines of a space begin with that is one of several.
fn prefix(parameters: &Parameters) -> String {
    match name(parameters) {
        name if parameters.together != 0 && !name.is_empty() => format!("{name} | "),
        _ => String::new(),
    }
}

/// Its name, where it was told.
fn name(parameters: &Parameters) -> String {
    let words = [
        parameters.name0,
        parameters.name1,
        parameters.name2,
        parameters.name3,
        parameters.name4,
        parameters.name5,
        parameters.name6,
        parameters.name7,
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).filter(|byte| *byte != 0).collect();
    String::from_utf8(bytes).unwrap_or_default()
}

fn too_large(_: TooLarge) -> Status {
    Status::Quota
}

impl export::Host for Zrun {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Status> {
        self.desk.put(bytes).map_err(too_large)
    }

    fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, Status> {
        let Self { server, machine, desk } = self;
        desk.call(bytes, first, |request| server.serve(request, machine)).map_err(too_large)
    }

    fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, Status> {
        Ok(self.desk.take(offset, bytes))
    }

    fn next(&mut self) -> Result<bool, Status> {
        loop {
            if self.machine.mail().wait() {
                return Ok(true);
            }
            let now = self.machine.milliseconds();
            let Letters::Alone(senses) = &mut self.machine.mail else { return Ok(false) };
            // What a sensor measures may be an event.
            let Some(due) = senses.at(now).due() else { return Ok(false) };
            pause(&self.machine.clock, &self.machine.timer, due);
        }
    }
}

services_zrun::parts!(client::Host, client::HostDisk; Status);

impl Channel for Mesh {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(&mut self.host, request)
    }

    fn wait(&mut self, _: &[u8], _: u32) -> Result<Vec<u8>, StoreError> {
        self.host.next().map(arrived).map_err(failed)
    }

    fn attend(&mut self) {
        pause(&self.clock, &self.timer, SOON);
    }

    /// Nobody asks the mesh for the time, or to wait.
    fn monotonic(&mut self) -> u64 {
        0
    }

    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}
}

/// Lets so many milliseconds pass, one at least.
fn pause(clock: &client::Clock, timer: &client::Notification, milliseconds: u64) {
    let millisecond = (space_guest::ticks_a_second() / 1000).max(1);
    timer.wait(0, clock.now() + millisecond * milliseconds.max(1));
}

impl Machine {
    /// Nanoseconds of the machine's time.
    fn nanoseconds(&self, since: u64) -> u64 {
        space_guest::nanoseconds(self.clock.now().wrapping_sub(since))
    }

    /// Milliseconds since 1970.
    fn milliseconds(&mut self) -> u64 {
        self.realtime() / 1_000_000
    }

    /// The mesh, where it serves a function: what is shared by spaces is there.
    fn served(&mut self, function: &str) -> Option<&mut Remote<Mesh>> {
        let Letters::Mesh(mesh) = &mut self.mail else { return None };
        let is_served = sci::guest::by_name(function).is_some_and(|function| mesh.serves(function));
        is_served.then_some(mesh)
    }
}

impl World for Machine {
    fn log(&mut self, line: &str) {
        // Each line of it, so that none passes for someone else's.
        for line in line.split(['\n', '\r']) {
            let text = format!("{}{line}\n", self.prefix);
            let mut rest: &str = &text;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(CONSOLE_BYTES));
                self.console.write(piece);
                rest = after;
            }
        }
    }

    fn realtime(&mut self) -> u64 {
        self.epoch.saturating_add(self.nanoseconds(space_guest::ticks_at_boot()))
    }

    fn monotonic(&mut self) -> u64 {
        self.nanoseconds(0)
    }

    /// Nobody waits here: a space's own realm does.
    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}

    fn random(&mut self, bytes: &mut [u8]) -> bool {
        self.random.fill(bytes)
    }

    fn node_info(&mut self) -> String {
        "{\"arch\":\"x86_64\",\"cores\":1,\"host\":\"nanokernel\"}".into()
    }

    fn store(&mut self) -> &mut dyn Store {
        match &mut self.values {
            Values::Here(values) => values,
            Values::Kept(values) => values,
        }
    }

    fn mail(&mut self) -> &mut dyn Mail {
        let now = self.milliseconds();
        match &mut self.mail {
            Letters::Alone(senses) => {
                senses.at(now).collect();
                for line in senses.lines() {
                    self.console.write(&format!("zrun: {line}\n"));
                }
                &mut senses.mail
            }
            Letters::Mesh(mesh) => mesh,
        }
    }

    fn events(&mut self) -> Option<&mut dyn Events> {
        let now = self.milliseconds();
        match &mut self.mail {
            Letters::Alone(senses) if self.has_events => Some(senses.at(now)),
            Letters::Alone(_) => None,
            Letters::Mesh(mesh) => Some(mesh),
        }
    }

    fn devices(&mut self) -> Option<&mut dyn Devices> {
        let now = self.milliseconds();
        if let Letters::Mesh(_) = self.mail {
            return self.served("sensors.read").map(|mesh| mesh as &mut dyn Devices);
        }
        let Letters::Alone(senses) = &mut self.mail else { return None };
        senses.has_devices().then(|| senses.at(now) as &mut dyn Devices)
    }

    fn audio(&mut self) -> Option<&mut dyn Audio> {
        let now = self.milliseconds();
        if let Letters::Mesh(_) = self.mail {
            return self.served("audio.capture").map(|mesh| mesh as &mut dyn Audio);
        }
        let Letters::Alone(senses) = &mut self.mail else { return None };
        senses.at(now).sound().map(|sound| sound as &mut dyn Audio)
    }

    fn agents(&mut self) -> Option<&mut dyn Agents> {
        match &mut self.mail {
            Letters::Alone(_) => self.agents.as_mut().map(|mesh| mesh as &mut dyn Agents),
            Letters::Mesh(mesh) => Some(mesh),
        }
    }

    fn cache(&mut self) -> Option<&mut dyn Cache> {
        Some(&mut self.cache)
    }
}
