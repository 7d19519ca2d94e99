//! A seeded simulation of three hosts: instances and hosts that crash, restart and move, a bus that loses, repeats,
//! delays and reorders, clocks that jump, news that come late. After each step the rules are checked; at the end
//! everything acknowledged is accounted for. `SPACE_MESH_SEEDS` is how many seeds are run, from
//! `SPACE_MESH_FIRST_SEED` on.

use super::audit::audit;
use super::disk::{Disk, kept};
use super::random::Random;
use super::{SECOND, path};
use crate::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::format;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::string::{String, ToString};
use std::vec::Vec;

const SEEDS: u64 = 2000;
const STEPS: u64 = 160;
const HOSTS: [&str; 3] = ["h0", "h1", "h2"];
const SPACES: [&str; 5] = ["s0", "s1", "s2", "s3", "s4"];
const PATHS: [&str; 3] = ["p", "q", "s1"];
const EVENTS: [&str; 2] = ["e", "f"];

/// What one host hears of another, in order, but late.
#[derive(Clone)]
enum News {
    Up(usize, u64),
    Down(usize),
    Placed(usize, u64, usize),
    Stopped(usize, u64),
    Retired(usize),
    Declared(Declaration),
}

struct Host {
    /// None while it is down.
    mesh: Option<Mesh>,
    run: u64,
    clock: u64,
    news: VecDeque<News>,
    declared: Declaration,
    disk: Option<Disk>,
    /// Deaths of what was acknowledged, by sender and path.
    deaths: BTreeMap<(String, String), u64>,
}

/// Where a space is in truth.
#[derive(Clone, Copy, Default)]
struct Whereabouts {
    host: usize,
    newest: u64,
    is_live: bool,
    is_retired: bool,
    /// First instance of the stay on its host.
    since: u64,
}

/// A message that a mesh took from its sender.
struct Sent {
    from: usize,
    instance: u64,
    path: String,
    answers: bool,
    receiver: usize,
    only: Option<u64>,
    /// Host and run that has it.
    owner: (usize, u64),
    given: BTreeSet<u64>,
    /// Where it was finished: host, run, stay.
    finished: Option<(usize, u64, u64)>,
    /// Whether its owner knew so when the receiver came to the host where it is.
    is_settled: bool,
}

/// Messages whose order is kept: the receiver and its instance, the sender, the path and which way, the host that has
/// them and its run.
type Stream = (usize, u64, usize, String, bool, (usize, u64));

#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    given: u64,
    again: u64,
    answers: u64,
    crossed: u64,
    blocked: u64,
    dead: u64,
    moved: u64,
    crashed: u64,
    recovered: u64,
    refused: u64,
    events: u64,
}

struct Simulation {
    random: Random,
    bus: InMemory,
    /// That there is no room; that the host dies in writing.
    disk_faults: (u64, u64),
    hosts: Vec<Host>,
    spaces: [Whereabouts; SPACES.len()],
    /// Every declaration, in order.
    declared: Vec<Declaration>,
    host_crashes: bool,
    sent: Vec<Sent>,
    /// The serial number in process for each space.
    current: [Option<usize>; SPACES.len()],
    /// What an instance was given last on a flow from one owner.
    last: BTreeMap<Stream, usize>,
    answerable: Vec<(usize, MessageId)>,
    /// Events: who emitted each. Which a space's instance asked for, and got last of which emitter, by name.
    emitted: Vec<(usize, u64)>,
    asked: BTreeSet<(usize, u64, &'static str)>,
    heard: BTreeMap<(usize, u64, usize, &'static str), usize>,
    trace: DefaultHasher,
    seen: Seen,
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let chances = |random: &mut Random, most| if random.one_in(3) { 0 } else { random.below(most) };
        let faults = Faults {
            lose: chances(&mut random, 400),
            repeat: chances(&mut random, 400),
            delay: chances(&mut random, 600),
            reorder: chances(&mut random, 600),
            late_steps: 1 + random.below(60),
        };
        let declared = declare(&mut random);
        let host_crashes = random.one_in(3);
        let has_disks = random.one_in(2);
        let (full, die) = (chances(&mut random, 100), chances(&mut random, 40));
        let mut simulation = Self {
            bus: InMemory::new(faults, random.below(u64::MAX)),
            hosts: HOSTS
                .map(|_| Host {
                    mesh: None,
                    run: 0,
                    clock: 0,
                    news: VecDeque::new(),
                    declared: declared.clone(),
                    disk: has_disks.then(|| Disk::new(random.below(u64::MAX), full, die)),
                    deaths: BTreeMap::new(),
                })
                .into(),
            random,
            spaces: [Whereabouts::default(); SPACES.len()],
            declared: [declared].into(),
            disk_faults: (full, die),
            host_crashes,
            sent: Vec::new(),
            current: [None; SPACES.len()],
            last: BTreeMap::new(),
            answerable: Vec::new(),
            emitted: Vec::new(),
            asked: BTreeSet::new(),
            heard: BTreeMap::new(),
            trace: DefaultHasher::new(),
            seen: Seen::default(),
        };
        for host in 0..HOSTS.len() {
            simulation.boot(host);
        }
        for space in 0..SPACES.len() {
            let host = simulation.random.below(HOSTS.len() as u64) as usize;
            simulation.start(space, host);
        }
        simulation
    }

    fn time(&self, host: usize) -> Time {
        let clock = self.hosts[host].clock;
        Time { monotonic: clock, realtime: clock ^ 0xffff }
    }

    fn tell(&mut self, but: usize, news: &News) {
        for (at, host) in self.hosts.iter_mut().enumerate() {
            if at != but && host.mesh.is_some() {
                host.news.push_back(news.clone());
            }
        }
    }

    /// A new run of a host, or an earlier one that goes on from its disk; it learns at once what is so.
    fn boot(&mut self, at: usize) {
        let time = self.time(at);
        let host = &mut self.hosts[at];
        let written = host.disk.as_ref().filter(|disk| disk.with(|state| !state.bytes.is_empty()));
        let mut mesh = if let Some(disk) = written {
            disk.with(|state| (state.full, state.die) = (0, 0));
            let tail = if self.random.one_in(2) { Tail::Short } else { Tail::Any };
            let mesh = disk.recover(Recovery { topology: "app", host: HOSTS[at], tail, running: &[], time });
            disk.with(|state| (state.full, state.die) = self.disk_faults);
            self.seen.recovered += 1;
            host.deaths.clear();
            for letter in mesh.dead_letters().iter() {
                *host.deaths.entry((letter.from.clone(), letter.to.clone())).or_default() += letter.times;
            }
            mesh
        } else {
            host.run += 1;
            let mut mesh = Mesh::new("app", HOSTS[at], host.run).unwrap();
            if let Some(disk) = &host.disk {
                while mesh.keep_in(disk.boxed()).is_err() {
                    disk.with(|state| state.has_died = false);
                }
            }
            mesh
        };
        let run = host.run;
        let known = mesh.revision;
        for declared in self.declared.iter().filter(|declared| declared.revision >= known) {
            mesh.declare(declared, time).unwrap();
        }
        for (other, host) in
            self.hosts.iter().enumerate().filter(|(other, host)| *other != at && host.mesh.is_some())
        {
            mesh.peer_up(HOSTS[other], host.run, time).unwrap();
        }
        for (space, whereabouts) in self.spaces.iter().enumerate().filter(|(_, space)| space.newest > 0) {
            if whereabouts.is_retired {
                mesh.retire(SPACES[space], time).unwrap();
            } else if whereabouts.host != at && self.hosts[whereabouts.host].mesh.is_some() {
                let instance = Instance { space: SPACES[space], number: whereabouts.newest };
                mesh.place(instance, HOSTS[whereabouts.host], time).unwrap();
            }
        }
        let host = &mut self.hosts[at];
        host.declared = self.declared[self.declared.len() - 1].clone();
        host.news.clear();
        host.mesh = Some(mesh);
        self.tell(at, &News::Up(at, run));
    }

    fn crash(&mut self, at: usize) {
        let mesh = self.hosts[at].mesh.take().expect("only what is up crashes");
        if let Some(disk) = &self.hosts[at].disk {
            let mut bytes = disk.with(|state| state.bytes.clone());
            let time = self.time(at);
            let recovery =
                Recovery { topology: "app", host: HOSTS[at], tail: Tail::Short, running: &[], time };
            let recovered = Mesh::recover(&bytes, recovery).expect("what a crash leaves can be read");
            if !mesh.log.owes() {
                assert_eq!(kept(recovered.mesh()), kept(&mesh), "what is recovered is what was");
            }
            let bit = self.random.below(recovered.end * 8);
            bytes[bit as usize / 8] ^= 1 << (bit % 8);
            match Mesh::recover(&bytes, recovery).map(|_| ()) {
                Err(RecoverError::Damaged { at }) => assert!(at <= bit / 8, "the damage is named"),
                other => panic!("bit {bit} of the journal was changed, and nobody saw it: {other:?}"),
            }
        }
        for space in 0..SPACES.len() {
            if self.spaces[space].host == at {
                self.spaces[space].is_live = false;
                self.current[space] = None;
            }
        }
        self.tell(at, &News::Down(at));
    }

    /// A space comes to another host: what its owner knows to be done by now must not come after it.
    fn settle_done(&mut self, space: usize) {
        let hosts = &self.hosts;
        for (serial, sent) in self.sent.iter_mut().enumerate().filter(|(_, sent)| sent.receiver == space) {
            let owner = &hosts[sent.owner.0];
            if let Some(mesh) = owner.mesh.as_ref().filter(|_| owner.run == sent.owner.1) {
                let mut flows = mesh.paths.values().flat_map(|path| [&path.messages, &path.answers]);
                let body = (serial as u64).to_le_bytes();
                let is_held =
                    flows.any(|flow| flow.owned.queue.entries.iter().any(|entry| entry.body[..8] == body));
                sent.is_settled |= sent.finished.is_some() && !is_held;
            }
        }
    }

    fn start(&mut self, space: usize, host: usize) {
        if self.spaces[space].host != host || self.spaces[space].is_retired {
            self.settle_done(space);
        }
        let (time, truth) = (self.time(host), &mut self.spaces[space]);
        truth.newest += 1;
        if truth.host != host || truth.is_retired || truth.since == 0 {
            self.seen.moved += u64::from(truth.since > 0);
            truth.since = truth.newest;
        }
        (truth.host, truth.is_live, truth.is_retired) = (host, true, false);
        let number = truth.newest;
        let instance = Instance { space: SPACES[space], number };
        if let Some(mesh) = &mut self.hosts[host].mesh {
            mesh.start(instance, time).unwrap();
        }
        self.tell(host, &News::Placed(space, number, host));
    }

    fn stop(&mut self, space: usize) {
        let truth = &mut self.spaces[space];
        let (host, number) = (truth.host, truth.newest);
        truth.is_live = false;
        self.current[space] = None;
        self.seen.crashed += 1;
        let time = self.time(host);
        let instance = Instance { space: SPACES[space], number };
        self.hosts[host].mesh.as_mut().unwrap().stop(instance, After::Restart, time).unwrap();
        self.tell(host, &News::Stopped(space, number));
    }

    fn hear(&mut self, at: usize) {
        let time = self.time(at);
        let Some(news) = self.hosts[at].news.pop_front() else { return };
        let host = &mut self.hosts[at];
        let Some(mesh) = &mut host.mesh else { return };
        match news {
            News::Up(other, run) => mesh.peer_up(HOSTS[other], run, time).unwrap(),
            News::Down(other) => mesh.peer_down(HOSTS[other], time),
            News::Declared(declared) => {
                mesh.declare(&declared, time).unwrap();
                host.declared = declared;
            }
            // Old news of a space that has come here since.
            News::Placed(space, number, other) => {
                mesh.place(Instance { space: SPACES[space], number }, HOSTS[other], time).ok();
            }
            News::Stopped(space, number) => {
                mesh.stop(Instance { space: SPACES[space], number }, After::Restart, time).ok();
            }
            News::Retired(space) if self.spaces[space].is_retired => {
                mesh.retire(SPACES[space], time).unwrap();
            }
            News::Retired(_) => {}
        }
    }

    /// A space that runs, its host, and what a call needs.
    fn caller(&mut self) -> Option<(usize, usize, Time)> {
        let space = self.random.below(SPACES.len() as u64) as usize;
        let Whereabouts { host, is_live, .. } = self.spaces[space];
        is_live.then(|| (space, host, self.time(host)))
    }

    fn instance(&self, space: usize) -> Instance<'static> {
        Instance { space: SPACES[space], number: self.spaces[space].newest }
    }

    fn body(&mut self) -> Vec<u8> {
        let mut body = (self.sent.len() as u64).to_le_bytes().to_vec();
        body.resize(8 + self.random.below(64) as usize, 0);
        body
    }

    fn emit(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let (by, body) = (self.instance(space), self.body());
        let to = match self.random.below(10) {
            0..5 => self.random.pick(&PATHS).to_string(),
            5..8 => self.random.pick(&SPACES).to_string(),
            8 => {
                let to = self.random.below(SPACES.len() as u64) as usize;
                self.instance(to).to_string()
            }
            _ => ["", "nobody", "@self", "s1#0"][self.random.below(4) as usize].to_string(),
        };
        let result = self.hosts[host].mesh.as_mut().unwrap().emit(by, &to, &body, time);
        let (name, number) =
            to.split_once('#').map_or((to.as_str(), None), |(name, number)| (name, number.parse().ok()));
        let own = |path: &&PathDeclaration| path.from == by.space;
        let paths = || self.hosts[host].declared.paths.iter().filter(own);
        let meant = paths().find(|path| path.name == name && number.is_none());
        let meant = meant.or_else(|| paths().find(|path| path.to == name)).cloned();
        let route = meant.map(|path| (path.name, false, position(&path.to), number));
        self.record(space, result, route);
    }

    fn self_emit(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let (by, body) = (self.instance(space), self.body());
        let result = self.hosts[host].mesh.as_mut().unwrap().self_emit(by, &body, time);
        self.record(space, result, Some(("@self".into(), false, space, None)));
    }

    fn answer(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let (by, body) = (self.instance(space), self.body());
        let mesh = self.hosts[host].mesh.as_mut().unwrap();
        let (asked, result) = if self.random.one_in(3) && !self.answerable.is_empty() {
            let (serial, id) = &self.answerable[self.random.below(self.answerable.len() as u64) as usize];
            (Some(*serial), mesh.answer(by, id, &body, time))
        } else {
            (self.current[space], mesh.emit(by, "@sender", &body, time))
        };
        let route = asked.map(|asked| {
            let asked = &self.sent[asked];
            assert!(
                result.is_err() || asked.given.contains(&by.number),
                "only what was received is answered"
            );
            assert!(result.is_err() || asked.receiver == space, "and by its receiver");
            (asked.path.clone(), !asked.answers, asked.from, Some(asked.instance))
        });
        self.seen.answers += u64::from(result.is_ok());
        self.record(space, result, route);
    }

    fn record(
        &mut self,
        from: usize,
        result: Result<Emitted, EmitError>,
        route: Option<(String, bool, usize, Option<u64>)>,
    ) {
        format!("{result:?}").hash(&mut self.trace);
        self.seen.blocked += u64::from(matches!(result, Err(EmitError::NoCredit { .. })));
        self.seen.refused += u64::from(matches!(result, Err(EmitError::Journal(_))));
        if let Ok(Emitted::Accepted(id)) = result {
            let (path, answers, receiver, only) = route.expect("nothing is accepted without a declared path");
            let Whereabouts { host, newest: instance, .. } = self.spaces[from];
            assert_eq!((&*id.space, id.instance), (SPACES[from], instance));
            let owner = (host, self.hosts[host].run);
            let (given, finished, is_settled) = (BTreeSet::new(), None, false);
            self.sent.push(Sent {
                from,
                instance,
                path,
                answers,
                receiver,
                only,
                owner,
                given,
                finished,
                is_settled,
            });
        }
    }

    fn take(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let by = self.instance(space);
        let room = if self.random.one_in(8) { self.random.below(40) as usize } else { 100 };
        let taken = self.hosts[host].mesh.as_mut().unwrap().take(by, room, time);
        format!("{taken:?}").hash(&mut self.trace);
        self.seen.refused += u64::from(matches!(taken, Err(TakeError::Journal(_))));
        if !matches!(taken, Err(TakeError::Short { .. } | TakeError::Journal(_))) {
            self.finished(space);
        }
        let Ok(message) = taken else { return };
        if message.event.is_some() {
            self.heard(space, &message);
            return;
        }
        let serial = u64::from_le_bytes(message.body[..8].try_into().unwrap()) as usize;
        self.current[space] = Some(serial);
        self.answerable.push((serial, message.id.clone()));
        let stay = (host, self.hosts[host].run, self.spaces[space].since);
        let sent = &mut self.sent[serial];
        assert_eq!((sent.receiver, sent.path.as_str()), (space, &*message.path), "it came along its path");
        assert_eq!((SPACES[sent.from], sent.instance), (&*message.id.space, message.id.instance));
        assert!(sent.only.is_none_or(|only| only == by.number), "it is for one instance");
        assert_ne!(sent.finished, Some(stay), "what is done is not given again");
        assert!(!sent.is_settled, "what was known to be done before the space came here is not given here");
        self.seen.given += 1;
        self.seen.again += u64::from(!sent.given.is_empty());
        self.seen.crossed += u64::from(sent.owner.0 != host);
        assert!(sent.given.insert(by.number), "an instance is given a message once");
        let flow = (space, by.number, sent.from, sent.path.clone(), sent.answers, sent.owner);
        let before = self.last.insert(flow, serial);
        assert!(before.is_none_or(|before| before < serial), "order along a path is kept");
    }

    fn heard(&mut self, space: usize, message: &Message) {
        let serial = u64::from_le_bytes(message.body[..8].try_into().unwrap()) as usize;
        let (from, instance) = self.emitted[serial];
        assert_eq!((SPACES[from], instance), (&*message.id.space, message.id.instance));
        let (by, name) = (self.spaces[space].newest, &message.event.as_ref().unwrap().name);
        let asked = EVENTS.iter().find(|event| ***event == **name).unwrap();
        assert!(self.asked.contains(&(space, by, asked)), "nobody gets what it did not ask for");
        let before = self.heard.insert((space, by, from, asked), serial);
        assert!(before.is_none_or(|before| before < serial), "events come once, and in order");
        self.seen.events += 1;
    }

    fn emit_event(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let (by, name) = (self.instance(space), self.random.pick(&EVENTS));
        let mut body = self.body();
        body[..8].copy_from_slice(&(self.emitted.len() as u64).to_le_bytes());
        let host = &mut self.hosts[host];
        let emitted = host.mesh.as_mut().unwrap().publish(by, name, &body, time);
        let is_declared =
            host.declared.events.iter().any(|event| event.from == by.space && event.name == name);
        assert_eq!(emitted.is_ok(), is_declared, "{emitted:?}");
        self.emitted.push((space, by.number));
    }

    fn ask_for_events(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let (by, name) = (self.instance(space), self.random.pick(&EVENTS));
        let asked = self.hosts[host].mesh.as_mut().unwrap().subscribe(by, name, time);
        format!("{asked:?}").hash(&mut self.trace);
        if asked.is_ok() {
            self.asked.insert((space, by.number, name));
        }
    }

    fn finished(&mut self, space: usize) {
        let Whereabouts { host, since, .. } = self.spaces[space];
        if let Some(serial) = self.current[space].take() {
            self.sent[serial].finished = Some((host, self.hosts[host].run, since));
        }
    }

    fn finish(&mut self) {
        let Some((space, host, time)) = self.caller() else { return };
        let by = self.instance(space);
        match self.hosts[host].mesh.as_mut().unwrap().finish(by, time) {
            Ok(()) => self.finished(space),
            Err(DirectoryError::Journal(_)) => self.seen.refused += 1,
            Err(error) => panic!("{error}"),
        }
    }

    fn carry(&mut self, at: usize) {
        let time = self.time(at);
        let host = &mut self.hosts[at];
        let Some(mesh) = &mut host.mesh else { return };
        let (deaths, trace, seen) = (&mut host.deaths, &mut self.trace, &mut self.seen);
        let refused = carry(mesh, &mut self.bus.end(HOSTS[at]), time, |output| {
            format!("{output:?}").hash(trace);
            if let Output::Dead(letter) = output {
                seen.dead += 1;
                *deaths.entry((letter.from, letter.to)).or_default() += 1;
            }
        });
        refused.hash(&mut self.trace);
    }

    fn pass_time(&mut self, at: usize) {
        let jump = match self.random.below(20) {
            0 => self.random.below(20 * SECOND) as i64,
            1 => -(self.random.below(SECOND) as i64),
            _ => self.random.below(SECOND / 5) as i64,
        };
        self.hosts[at].clock = self.hosts[at].clock.saturating_add_signed(jump);
        let time = self.time(at);
        if let Some(mesh) = &mut self.hosts[at].mesh {
            mesh.tick(time);
        }
    }

    fn change(&mut self) {
        let space = self.random.below(SPACES.len() as u64) as usize;
        let host = self.random.below(HOSTS.len() as u64) as usize;
        let truth = self.spaces[space];
        match self.random.below(40) {
            0..12 if truth.is_live => self.stop(space),
            0..30 if !truth.is_live => {
                let host = if self.random.one_in(3) { host } else { truth.host };
                if self.hosts[host].mesh.is_some() {
                    self.start(space, host);
                }
            }
            // A move: the old instance is stopped before the new one starts.
            12..16 if truth.is_live && self.hosts[host].mesh.is_some() => {
                self.stop(space);
                self.start(space, host);
            }
            30 if truth.is_live => {
                self.stop(space);
                self.spaces[space].is_retired = true;
                let time = self.time(truth.host);
                self.hosts[truth.host].mesh.as_mut().unwrap().retire(SPACES[space], time).unwrap();
                self.tell(truth.host, &News::Retired(space));
            }
            31 if self.host_crashes && self.hosts[host].mesh.is_some() => self.crash(host),
            31..36 if self.hosts[host].mesh.is_none() => self.boot(host),
            36 => {
                let revision = self.declared.len() as u64;
                let declared = Declaration { revision, ..declare(&mut self.random) };
                self.declared.push(declared.clone());
                let news = News::Declared(declared);
                self.tell(HOSTS.len(), &news);
            }
            _ => {}
        }
    }

    fn step(&mut self) {
        let host = self.random.below(HOSTS.len() as u64) as usize;
        let action = self.random.below(100);
        match action {
            0..30 => self.emit(),
            30..52 => self.take(),
            52..58 => self.finish(),
            58..65 => self.answer(),
            65..67 => self.self_emit(),
            67..74 => self.change(),
            74..80 => self.pass_time(host),
            80..86 => self.hear(host),
            86..88 => self.emit_event(),
            88 => self.ask_for_events(),
            _ => {
                self.bus.step();
                self.carry(host);
            }
        }
        for host in 0..HOSTS.len() {
            let Host { mesh: Some(mesh), disk: Some(disk), .. } = &mut self.hosts[host] else { continue };
            if self.random.one_in(50) {
                mesh.compact().ok();
            }
            if disk.with(|state| state.has_died) || self.random.one_in(100) {
                self.crash(host);
            }
        }
        for host in &self.hosts {
            host.mesh.as_ref().into_iter().for_each(audit);
        }
    }

    /// Everything works again; then nothing is on its way any more, and everything acknowledged is accounted for.
    fn settle(&mut self) {
        self.bus.set_faults(Faults::default());
        self.disk_faults = (0, 0);
        for disk in self.hosts.iter().filter_map(|host| host.disk.as_ref()) {
            disk.with(|state| (state.full, state.die) = self.disk_faults);
        }
        for host in 0..HOSTS.len() {
            if self.hosts[host].mesh.is_none() {
                self.boot(host);
            }
        }
        for space in 0..SPACES.len() {
            if !self.spaces[space].is_live {
                self.start(space, self.spaces[space].host);
            }
        }
        for round in 0.. {
            assert!(round < 200, "messages do not arrive");
            self.bus.step();
            for host in 0..HOSTS.len() {
                while !self.hosts[host].news.is_empty() {
                    self.hear(host);
                }
                self.hosts[host].clock += SECOND;
                let time = self.time(host);
                self.hosts[host].mesh.as_mut().unwrap().tick(time);
                self.carry(host);
            }
            (0..40).for_each(|_| self.take());
            (0..20).for_each(|_| self.finish());
            let meshes = self.hosts.iter().filter_map(|host| host.mesh.as_ref());
            meshes.clone().for_each(audit);
            if meshes.map(|mesh| mesh.held_bytes).sum::<u64>() == 0 && self.bus.in_flight() == 0 {
                break;
            }
        }
        (0..HOSTS.len()).for_each(|host| self.carry(host));
        for host in &self.hosts {
            let mesh = host.mesh.as_ref().unwrap();
            let flows = mesh.paths.values().flat_map(|path| [&path.messages, &path.answers]);
            assert!(flows.into_iter().all(|flow| flow.owned.used_messages == 0), "all credit is back");
        }
        // What nobody finished died, and somebody said so; only a host that crashes takes messages with it.
        let mut missing: BTreeMap<(String, String), u64> = BTreeMap::new();
        for sent in self.sent.iter().filter(|sent| sent.finished.is_none()) {
            if sent.owner.1 == self.hosts[sent.owner.0].run {
                let from = Instance { space: SPACES[sent.from], number: sent.instance };
                *missing.entry((from.to_string(), sent.path.clone())).or_default() += 1;
            }
        }
        for (key, count) in missing {
            let deaths = self.hosts.iter().filter_map(|host| host.deaths.get(&key));
            let died = deaths.sum::<u64>();
            assert!(count <= died, "{count} messages of {key:?} are lost, {died} are known to be dead");
        }
    }
}

fn position(space: &str) -> usize {
    SPACES.iter().position(|name| *name == space).expect("a declared space")
}

fn declare(random: &mut Random) -> Declaration {
    let mut paths: BTreeMap<(&str, &str), PathDeclaration> = BTreeMap::new();
    for _ in 0..3 + random.below(8) {
        let (from, name, to) = (random.pick(&SPACES), random.pick(&PATHS), random.pick(&SPACES));
        let rules = PathRules {
            // The same each time, so that what waits is never more than is allowed now.
            messages: 1 + (position(from) + 2 * position(to)) as u32 % 6,
            bytes: limits::MESSAGE_BYTES_MAX,
            expires_after: random.one_in(6).then(|| random.below(10 * SECOND)),
            when_full: if random.one_in(6) { WhenFull::Drop } else { WhenFull::Block },
            redeliveries: random.below(4) as u32,
        };
        if from != to {
            paths.insert((from, name), PathDeclaration { rules, ..path(from, name, to) });
        }
    }
    let mut events = Vec::new();
    for (space, name) in SPACES.iter().flat_map(|space| EVENTS.map(|name| (space, name))) {
        if !random.one_in(4) {
            events.push(EventDeclaration { from: (*space).into(), name: name.into() });
        }
    }
    Declaration {
        revision: 0,
        spaces: SPACES.map(String::from).into(),
        paths: paths.into_values().collect(),
        events,
    }
}

fn run(seed: u64) -> (u64, Seen) {
    let mut simulation = Simulation::new(seed);
    for _ in 0..STEPS {
        simulation.step();
    }
    simulation.settle();
    (simulation.trace.finish(), simulation.seen)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn nothing_acknowledged_is_lost() {
    let (first, count) = (number("SPACE_MESH_FIRST_SEED", 0), number("SPACE_MESH_SEEDS", SEEDS));
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let run_one = |seed| {
        let outcome = std::panic::catch_unwind(|| run(seed));
        outcome
            .unwrap_or_else(|_| panic!("seed {seed} fails: SPACE_MESH_FIRST_SEED={seed} SPACE_MESH_SEEDS=1"))
    };
    let sums = std::thread::scope(|scope| {
        let part = |thread| {
            move || {
                (first + thread..first + count)
                    .step_by(threads as usize)
                    .map(run_one)
                    .map(|(_, seen)| seen)
                    .reduce(add)
            }
        };
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(part(thread))).collect();
        workers.into_iter().filter_map(|worker| worker.join().expect("a seed failed")).reduce(add)
    });
    let seen = sums.expect("there are seeds");
    if count >= SEEDS {
        let all = [
            seen.given,
            seen.again,
            seen.answers,
            seen.crossed,
            seen.blocked,
            seen.dead,
            seen.moved,
            seen.crashed,
            seen.recovered,
            seen.refused,
            seen.events,
        ];
        assert!(
            all.into_iter().all(|times| times > count / 10),
            "the simulation misses what it is for: {all:?}"
        );
    }
}

fn add(a: Seen, b: Seen) -> Seen {
    Seen {
        given: a.given + b.given,
        again: a.again + b.again,
        answers: a.answers + b.answers,
        crossed: a.crossed + b.crossed,
        blocked: a.blocked + b.blocked,
        dead: a.dead + b.dead,
        moved: a.moved + b.moved,
        crashed: a.crashed + b.crashed,
        recovered: a.recovered + b.recovered,
        refused: a.refused + b.refused,
        events: a.events + b.events,
    }
}

/// Beyond those that each test runs: after a crash, an instance of which nothing was written was taken for one that
/// had been elsewhere, and with it went what had been done.
#[test]
fn a_seed_that_failed_once() {
    run(71_871);
}

#[test]
fn the_same_seed_has_the_same_trace() {
    let traces: BTreeSet<u64> = (0..50).map(|seed| run(seed).0).collect();
    assert_eq!(traces, (0..50).map(|seed| run(seed).0).collect());
    assert_eq!(traces.len(), 50, "each seed has its own");
}
