//! The spaces of a topology at the mesh: what each asks, and which of those that wait are called.

mod recognize;

use crate::calling::Calling;
use crate::devices::Devices;
use crate::post::Post;
use crate::window::{Answer, Counts, Letter, Passed, Question, Seen, Standing};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, GuestCapability as Capability};
use serde::{Deserialize, Serialize};
use services_zmesh::{
    After, Declaration, DeclareError, DirectoryError, Emitted, Instance, Mesh, Message, Output, TapId, Time,
};
use services_zrun::remote::{Desk, Server, TooLarge};
use services_zrun::{Grants, InMemory, Silence, Simulated};

/// The host, as the mesh names it.
const HOST: &str = "nanokernel";
/// Bytes of messages that wait or are in process: less than half of the component's heap, since each takes more than
/// its bytes, and a request and its reply lie beside it.
const HELD_BYTES_MAX: u64 = 12 << 20;
/// Messages that are kept for a user interface while nobody looks, and their bytes.
const SHOWN_MAX: usize = 64;
const SHOWN_BYTES_MAX: usize = 256 << 10;
/// Different refusals that are said: each once, so that whoever asks in vain all the time is not heard all the time.
const SAID_MAX: usize = 256;
/// Dead letters that are told at once.
const DEAD_MAX: usize = 32;
/// Bytes of messages in one answer: what is left comes with the next.
const ANSWER_BYTES: usize = 256 << 10;
/// What a space may ask for here, if it was granted.
const ASKED: [Capability; 11] = [
    Capability::SensorsSubscribe,
    Capability::SensorsRead,
    Capability::ActuatorsLock,
    Capability::ActuatorsCommand,
    Capability::ActuatorsRelease,
    Capability::AudioCapture,
    Capability::AudioPlayback,
    Capability::NetEmitTo,
    Capability::NetRecvNext,
    Capability::EventsRegisterRecognizer,
    Capability::EventsSubscribe,
];

/// A space, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Its name.
    pub name: String,
    /// Its capabilities, as a mask.
    pub grants: u64,
    /// Whether it is a user interface: it has no host here.
    pub is_interface: bool,
    /// Ids of the devices that it states.
    pub devices: Vec<String>,
}

/// A topology, as the bundle describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Its name.
    pub topology: String,
    /// Spaces and paths.
    pub declaration: Declaration,
    /// Its spaces by number. The hosts of those that have one are connected in this order.
    pub seats: Vec<Seat>,
    /// What is simulated for its spaces.
    pub devices: Devices,
}

/// A space at the mesh.
struct Member {
    name: Arc<str>,
    is_interface: bool,
    instance: u64,
    runs: bool,
    server: Server,
    desk: Desk,
    calling: Calling,
    info: Option<String>,
    /// It is to end.
    finishes: bool,
    shown: VecDeque<Message>,
    /// Ids of the devices that it states.
    stated: Vec<String>,
    /// Events that it declares.
    events: Vec<String>,
    sound: Option<Silence>,
}

impl Member {
    /// Keeps a message for whoever looks, and forgets the oldest where there are too many.
    fn show(&mut self, message: Message) {
        self.shown.push_back(message);
        let mut bytes: usize = self.shown.iter().map(|message| message.body.len()).sum();
        while self.shown.len() > SHOWN_MAX || bytes > SHOWN_BYTES_MAX {
            let Some(oldest) = self.shown.pop_front() else { return };
            bytes -= oldest.body.len();
        }
    }
}

/// A space that waited is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// Its number.
    pub space: usize,
    /// Whether there is something to process; else it is to end.
    pub has_work: bool,
}

/// Milliseconds since 1970.
fn milliseconds(now: Time) -> u64 {
    now.realtime / 1_000_000
}

/// The mesh and its spaces.
pub struct Office {
    mesh: Mesh,
    devices: Devices,
    simulated: Option<Simulated>,
    members: Vec<Member>,
    /// Numbers of the spaces with hosts, by the order of these.
    hosted: Vec<usize>,
    /// Paths on which nothing was seen yet: tap, sender, path, receiver.
    unused: Vec<(TapId, String)>,
    /// Paths that someone outside watches.
    watches: Vec<(u64, TapId)>,
    last_watch: u64,
    /// Paths, by sender and name.
    paths: Vec<(String, String)>,
    /// What is to be said, oldest first.
    lines: VecDeque<String>,
    said: BTreeSet<String>,
}

impl Office {
    /// As [`Office::new`], from the bytes of a configuration; or why not, for people.
    pub fn read(bytes: &[u8], now: Time) -> Result<Self, String> {
        let configuration: Configuration =
            postcard::from_bytes(bytes).map_err(|_| String::from("the configuration is malformed"))?;
        Self::new(configuration, now).map_err(|error| error.to_string())
    }

    /// Of a topology.
    pub fn new(configuration: Configuration, now: Time) -> Result<Self, DeclareError> {
        let Configuration { topology, declaration, seats, devices } = configuration;
        let mut mesh = Mesh::new(&topology, HOST, 1)?;
        mesh.hold_at_most(HELD_BYTES_MAX);
        mesh.declare(&declaration, now)?;
        let mut lines = VecDeque::new();
        let mut unused = Vec::new();
        for path in &declaration.paths {
            let text = format!("{} -> {} along `{}`", path.from, path.to, path.name);
            lines.push_back(format!("path {text}"));
            unused.extend(mesh.tap(&path.from, &path.name).map(|tap| (tap, text)));
        }
        let paths = declaration.paths.iter().map(|path| (path.from.clone(), path.name.clone())).collect();
        let asked = ASKED.iter().fold(0, |mask, one| mask | one.bit());
        let member = |seat: &Seat| {
            let (mut calling, mut info) = (Calling::default(), None);
            let mut world = Post {
                mesh: &mut mesh,
                instance: Instance { space: &seat.name, number: 0 },
                calling: &mut calling,
                info: &mut info,
                now,
                refusal: None,
                nothing: InMemory::new(0),
                bench: None,
                events: &[],
                sound: None,
            };
            let server = Server::new(Grants::of(seat.grants & asked), &mut world);
            Member {
                name: seat.name.as_str().into(),
                is_interface: seat.is_interface,
                instance: 0,
                runs: false,
                server,
                desk: Desk::default(),
                calling,
                info,
                finishes: false,
                shown: VecDeque::new(),
                stated: seat.devices.clone(),
                events: recognize::declared(&declaration, &seat.name),
                sound: None,
            }
        };
        let members: Vec<Member> = seats.iter().map(member).collect();
        let hosted = (0..members.len()).filter(|at| !members[*at].is_interface).collect();
        let (watches, said) = (Vec::new(), BTreeSet::new());
        let simulated = devices.start(milliseconds(now));
        Ok(Self {
            mesh,
            devices,
            simulated,
            members,
            hosted,
            unused,
            watches,
            last_watch: 0,
            paths,
            lines,
            said,
        })
    }

    /// The space whose host is the one of that order.
    pub fn space_of_host(&self, order: usize) -> Option<usize> {
        self.hosted.get(order).copied()
    }

    /// A space runs from now on.
    pub fn start(&mut self, space: usize, instance: u64, now: Time) -> Option<Result<(), DirectoryError>> {
        let member = self.members.get_mut(space)?;
        (member.instance, member.calling, member.info) = (instance, Calling::default(), None);
        (member.finishes, member.runs, member.desk) = (false, true, Desk::default());
        member.sound = self.devices.sound(milliseconds(now));
        let name = Arc::clone(&member.name);
        Some(self.mesh.start(Instance { space: &name, number: instance }, now))
    }

    /// A space is to end.
    pub fn finish(&mut self, space: usize) {
        if let Some(member) = self.members.get_mut(space) {
            member.finishes = true;
        }
    }

    /// A space has ended.
    pub fn stop(&mut self, space: usize, now: Time) {
        let Some(member) = self.members.get_mut(space) else { return };
        member.calling.leave();
        member.runs = false;
        if let Some(simulated) = &mut self.simulated {
            simulated.leave(space as u32);
        }
        let name = Arc::clone(&member.name);
        let instance = Instance { space: &name, number: member.instance };
        // One that never ran has no messages.
        let _ = self.mesh.stop(instance, After::Restart, now);
    }

    /// Takes a part of a space's request.
    pub fn put(&mut self, space: usize, bytes: &[u8]) -> Result<(), TooLarge> {
        self.members.get_mut(space).map_or(Err(TooLarge), |member| member.desk.put(bytes))
    }

    /// Carries a space's request out.
    pub fn call(&mut self, space: usize, bytes: &[u8], first: &mut [u8], now: Time) -> Result<u32, TooLarge> {
        let Self { mesh, simulated, members, lines, said, .. } = self;
        let Some(member) = members.get_mut(space) else { return Err(TooLarge) };
        let Member { name, server, desk, calling, info, instance, stated, events, sound, .. } = member;
        let instance = Instance { space: name, number: *instance };
        let nothing = InMemory::new(0);
        let time = milliseconds(now);
        let bench = simulated.as_mut().map(|simulated| simulated.for_space(space as u32, stated, time));
        let sound = sound.as_mut().map(|sound| sound.at(time));
        let mut post =
            Post { mesh, instance, calling, info, now, refusal: None, nothing, bench, events, sound };
        let answer = desk.call(bytes, first, |request| server.serve(request, &mut post));
        let refusal = post.refusal.filter(|refusal| said.len() < SAID_MAX && said.insert(refusal.clone()));
        lines.extend(refusal.map(|refusal| format!("refused {refusal}")));
        answer
    }

    /// Gives bytes of a space's reply.
    pub fn take(&self, space: usize, offset: u32, bytes: &mut [u8]) -> u32 {
        self.members.get(space).map_or(0, |member| member.desk.take(offset, bytes))
    }

    /// A space has processed what it was called for, and waits.
    pub fn wait(&mut self, space: usize, now: Time) {
        let Some(member) = self.members.get_mut(space) else { return };
        member.calling.wait();
        let name = Arc::clone(&member.name);
        let instance = Instance { space: &name, number: member.instance };
        // It runs, or it would not ask.
        let _ = self.mesh.finish(instance, now);
    }

    /// Does what the mesh says is to be done, and what time has brought: the spaces that are called.
    pub fn go_on(&mut self, now: Time) -> Vec<Called> {
        self.recognize(now);
        self.mesh.tick(now);
        while let Some(output) = self.mesh.next_output() {
            if let Output::Dead(letter) = output
                && letter.times == 1
            {
                let reason = letter.reason.meaning();
                self.lines.push_back(format!("a message to `{}` is dead: {reason}", letter.to));
            }
        }
        let mut called = Vec::new();
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            let name = Arc::clone(&member.name);
            let instance = Instance { space: &name, number: member.instance };
            if member.is_interface {
                while let Ok(message) = self.mesh.take(instance, usize::MAX, now) {
                    member.show(message);
                }
                continue;
            }
            let waiting = self.mesh.waiting(&name);
            if member.finishes && member.calling.awaits() {
                member.calling.leave();
                called.push(Called { space: at, has_work: false });
            } else if member.calling.call(waiting) {
                called.push(Called { space: at, has_work: true });
            } else if member.calling.awaits() && waiting == 0 {
                // So that the mesh says when there is one again.
                let _ = self.mesh.take(instance, 0, now);
            }
        }
        self.notice();
        called
    }

    /// Says of each path when the first message went along it.
    fn notice(&mut self) {
        let Self { mesh, unused, lines, .. } = self;
        unused.retain(|(tap, text)| {
            let Some(observed) = mesh.observe(*tap) else { return true };
            mesh.untap(*tap);
            lines.push_back(format!("routed {text}, the first of {} bytes", observed.message.body.len()));
            false
        });
    }

    /// The next line that is to be said.
    pub fn line(&mut self) -> Option<String> {
        self.lines.pop_front()
    }

    /// Answers what is asked from outside the machine.
    pub fn answer(&mut self, question: &[u8], now: Time) -> Vec<u8> {
        let answer = match Question::read(question) {
            Some(Question::Look { counts, shown }) => Answer::Seen(Seen {
                counts: counts.then(|| self.counts()),
                messages: self.shown(&shown),
                watched: self.watched(),
            }),
            Some(Question::Send { space, to, body }) => {
                self.interface(space).map_or_else(not_running, |from| {
                    match self.mesh.emit(from.instance(), &to, &body, now) {
                        Ok(Emitted::Accepted(id)) => Answer::Sent(id.number),
                        Ok(Emitted::Dropped) => Answer::Sent(0),
                        Err(error) => refused(error.code(), error.to_string()),
                    }
                })
            }
            Some(Question::Follow { space, event }) => {
                self.interface(space).map_or_else(not_running, |from| {
                    let followed = self.mesh.subscribe(from.instance(), &event, now);
                    followed.map_or_else(|error| refused(error.code(), error.to_string()), |()| Answer::Done)
                })
            }
            Some(Question::Watch { from, path }) => match self.mesh.tap(&from, &path) {
                Some(tap) => {
                    self.last_watch += 1;
                    self.watches.push((self.last_watch, tap));
                    Answer::Watching(self.last_watch)
                }
                None => refused(ErrorCode::NotFound, "there is no such path, or too many watch".into()),
            },
            Some(Question::Unwatch(watch)) => {
                let ended = self.watches.extract_if(.., |(known, _)| *known == watch);
                ended.for_each(|(_, tap)| self.mesh.untap(tap));
                Answer::Done
            }
            None => refused(ErrorCode::Malformed, "this is no question that the mesh knows".into()),
        };
        answer.to_bytes()
    }

    /// A user interface that runs.
    fn interface(&self, space: u32) -> Option<Page> {
        let member = self.members.get(space as usize)?;
        let runs = member.is_interface && member.runs;
        runs.then(|| Page { name: Arc::clone(&member.name), number: member.instance })
    }

    fn counts(&self) -> Counts {
        let standing = |member: &Member| Standing {
            instance: member.runs.then_some(member.instance),
            waiting: (self.mesh.waiting(&member.name) + member.shown.len()) as u64,
        };
        let dead = self.mesh.dead_letters();
        let skipped = dead.iter().count().saturating_sub(DEAD_MAX);
        let stats = |(from, name): &(String, String)| self.mesh.stats(from, name).unwrap_or_default();
        Counts {
            spaces: self.members.iter().map(standing).collect(),
            paths: self.paths.iter().map(stats).collect(),
            dead: dead.iter().skip(skipped).cloned().collect(),
        }
    }

    /// Messages for user interfaces whose pages are open, as many as an answer has room for.
    fn shown(&mut self, spaces: &[u32]) -> Vec<(u32, Letter)> {
        let mut letters = Vec::new();
        let mut room = ANSWER_BYTES;
        for space in spaces {
            let Some(member) = self.members.get_mut(*space as usize) else { continue };
            while member.shown.front().is_some_and(|next| letters.is_empty() || next.body.len() <= room) {
                let Some(message) = member.shown.pop_front() else { break };
                room = room.saturating_sub(message.body.len());
                letters.push((*space, Letter::from(&message)));
            }
        }
        letters
    }

    /// What passed where someone watches, as much as an answer has room for.
    fn watched(&mut self) -> Vec<(u64, Passed)> {
        let mut passed = Vec::new();
        let mut room = ANSWER_BYTES;
        for (watch, tap) in &self.watches {
            while room > 0
                && let Some(observed) = self.mesh.observe(*tap)
            {
                room = room.saturating_sub(observed.message.body.len());
                passed.push((*watch, Passed::from(&observed)));
            }
        }
        passed
    }
}

/// A user interface that sends.
struct Page {
    name: Arc<str>,
    number: u64,
}

impl Page {
    fn instance(&self) -> Instance<'_> {
        Instance { space: &self.name, number: self.number }
    }
}

fn refused(code: ErrorCode, why: String) -> Answer {
    Answer::Refused { code: code.name().into(), why }
}

fn not_running() -> Answer {
    refused(ErrorCode::Closed, "this user interface does not run".into())
}

impl Configuration {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Sensor;
    use crate::window::Way;
    use services_zmesh::{EventDeclaration, PathDeclaration, PathRules};
    use services_zrun::remote::{Channel, Parts, Remote, exchange};
    use services_zrun::{Format, Mail as _, MailError, Next, Shape, StoreError, Wave};

    const NOW: Time = Time { monotonic: 1, realtime: 1 };
    const ALL: u64 = u64::MAX;

    fn office(grants: u64) -> Office {
        let path = |from: &str, to: &str, name: &str| PathDeclaration {
            from: from.into(),
            to: to.into(),
            name: name.into(),
            rules: PathRules::default(),
        };
        let devices: Vec<String> = ["oven", "valve"].map(String::from).into();
        let seat = |name: &str, is_interface| {
            // One of them states none.
            let devices = if name == "store" { Vec::new() } else { devices.clone() };
            Seat { name: name.into(), grants, is_interface, devices }
        };
        let declaration = Declaration {
            revision: 1,
            spaces: ["panel", "sensor", "store"].map(String::from).into(),
            paths: vec![path("sensor", "panel", "readings"), path("sensor", "store", "values")],
            events: vec![EventDeclaration { from: "sensor".into(), name: "hot".into() }],
        };
        let seats = vec![seat("panel", true), seat("sensor", false), seat("store", false)];
        let oven = Sensor {
            id: "oven".into(),
            kind: "heat".into(),
            wave: Wave::new(Shape::Ramp, (0.0, 1.0), 100, 10, 0),
        };
        let devices = Devices {
            sensors: vec![oven],
            actuators: vec!["valve".into()],
            sound: Some(Format { channels: 1, rate: 1000 }),
        };
        let configuration = Configuration { topology: "hello".into(), declaration, seats, devices };
        let mut office = Office::read(&configuration.to_bytes(), NOW).unwrap();
        for space in 0..3 {
            office.start(space, 1, NOW).unwrap().unwrap();
        }
        office
    }

    /// What a space's host does.
    struct Line<'o>(&'o mut Office, usize);

    impl Parts for Line<'_> {
        fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
            self.0.put(self.1, bytes).map_err(|TooLarge| StoreError::Full)
        }
        fn call(&mut self, bytes: &[u8], first: &mut [u8]) -> Result<u32, StoreError> {
            self.0.call(self.1, bytes, first, NOW).map_err(|TooLarge| StoreError::Full)
        }
        fn take(&mut self, offset: u32, bytes: &mut [u8]) -> Result<u32, StoreError> {
            Ok(self.0.take(self.1, offset, bytes))
        }
    }

    impl Channel for Line<'_> {
        fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
            exchange(self, request)
        }
        fn monotonic(&mut self) -> u64 {
            0
        }
        fn sleep(&mut self, _: u64) -> bool {
            false
        }
        fn pause(&mut self) {}
    }

    fn space(office: &mut Office, number: usize) -> Remote<Line<'_>> {
        Remote::new(Line(office, number))
    }

    fn ask(office: &mut Office, question: &Question) -> Answer {
        Answer::read(&office.answer(&question.to_bytes(), NOW)).unwrap()
    }

    fn look(office: &mut Office, counts: bool, shown: &[u32]) -> Seen {
        match ask(office, &Question::Look { counts, shown: shown.into() }) {
            Answer::Seen(seen) => seen,
            other => panic!("{other:?}"),
        }
    }

    /// What waits for the panel.
    fn shown(office: &mut Office) -> Vec<Letter> {
        look(office, false, &[0]).messages.into_iter().map(|(_, letter)| letter).collect()
    }

    fn lines(office: &mut Office) -> Vec<String> {
        core::iter::from_fn(|| office.line()).collect()
    }

    const PANEL: usize = 0;
    const SENSOR: usize = 1;
    const STORE: usize = 2;

    #[test]
    fn messages_go_along_paths_and_wake_who_waits() {
        let mut office = office(ALL);
        assert_eq!((office.space_of_host(0), office.space_of_host(1)), (Some(SENSOR), Some(STORE)));
        assert_eq!(office.space_of_host(2), None);
        lines(&mut office);
        office.wait(STORE, NOW);
        assert_eq!(office.go_on(NOW), []);
        assert_eq!(space(&mut office, SENSOR).emit("store", &[7; 9000]), Ok(()));
        assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: true }]);
        assert_eq!(lines(&mut office), ["routed sensor -> store along `values`, the first of 9000 bytes"]);
        assert_eq!(space(&mut office, STORE).receive(4), Ok(Next::Larger(9000)));
        assert_eq!(space(&mut office, STORE).receive(9000), Ok(Next::Message(vec![7; 9000])));
        assert!(space(&mut office, STORE).info().unwrap().contains("\"from\":\"sensor#1\""));
        office.wait(STORE, NOW);
        assert_eq!((office.go_on(NOW), lines(&mut office)), (vec![], vec![]));
    }

    #[test]
    fn what_no_path_allows_is_refused_and_said_once() {
        let mut office = office(ALL);
        assert_eq!(
            lines(&mut office),
            ["path sensor -> panel along `readings`", "path sensor -> store along `values`"]
        );
        for _ in 0..3 {
            assert_eq!(space(&mut office, STORE).emit("sensor", b"hi"), Err(MailError::NoPath));
        }
        let said = lines(&mut office);
        assert!(
            matches!(&said[..], [line] if line.starts_with("refused store: a message to `sensor`")),
            "{said:?}"
        );
        for at in 0..1000 {
            let _ = space(&mut office, STORE).emit(&alloc::format!("nobody-{at}"), b"hi");
        }
        assert!(lines(&mut office).len() < SAID_MAX);
    }

    #[test]
    fn a_capability_that_was_not_granted_is_missing_here_too() {
        let mut office = office(ALL & !Capability::NetEmitTo.bit());
        assert_eq!(space(&mut office, SENSOR).emit("store", b"hi"), Err(MailError::Failed));
        assert_eq!((office.go_on(NOW), office.mesh.waiting("store")), (vec![], 0));
    }

    #[test]
    fn an_interface_keeps_the_latest() {
        let mut office = office(ALL);
        for at in 0..200_u8 {
            assert_eq!(space(&mut office, SENSOR).emit("panel", &[at]), Ok(()));
            office.go_on(NOW);
        }
        let kept: Vec<u8> = shown(&mut office).iter().map(|one| one.body[0]).collect();
        assert_eq!(kept, (200 - SHOWN_MAX as u8..200).collect::<Vec<u8>>());
    }

    #[test]
    fn large_messages_for_an_interface_are_fewer() {
        let mut office = office(ALL);
        for _ in 0..9 {
            assert_eq!(space(&mut office, SENSOR).emit("panel", &vec![0; 60_000]), Ok(()));
            office.go_on(NOW);
        }
        assert_eq!(shown(&mut office).len(), SHOWN_BYTES_MAX / 60_000);
    }

    #[test]
    fn a_page_gets_and_sends_through_the_window() {
        let mut office = office(ALL);
        let send = |space, to: &str| Question::Send { space, to: to.into(), body: b"set".into() };
        let code = |answer| match answer {
            Answer::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        };
        // No path leads from the panel; and who is no user interface has a host that asks for it.
        assert_eq!(code(ask(&mut office, &send(0, "store"))), "denied");
        assert_eq!(code(ask(&mut office, &send(1, "store"))), "closed");
        assert_eq!(code(ask(&mut office, &send(9, "store"))), "closed");
        let watch = Question::Watch { from: "sensor".into(), path: "readings".into() };
        assert_eq!(ask(&mut office, &watch), Answer::Watching(1));
        let nowhere = Question::Watch { from: "sensor".into(), path: "none".into() };
        assert_eq!(code(ask(&mut office, &nowhere)), "not-found");
        assert_eq!(space(&mut office, SENSOR).emit("panel", b"21"), Ok(()));
        office.go_on(NOW);
        assert_eq!(look(&mut office, false, &[1, 7]).messages, [], "it is the panel's");
        let seen = look(&mut office, true, &[0]);
        assert!(seen.watched.is_empty(), "it was told with the first look");
        let [(0, letter)] = &seen.messages[..] else { panic!("{seen:?}") };
        assert_eq!((letter.from.as_str(), letter.body.as_slice()), ("sensor#1", &b"21"[..]));
        assert_eq!(letter.way, Way::Path("readings".into()));
        let counts = seen.counts.unwrap();
        assert_eq!(counts.spaces[0].instance, Some(1));
        assert_eq!((counts.paths[0].messages.sent, counts.paths[1].messages.sent), (1, 0));
        assert_eq!(ask(&mut office, &Question::Unwatch(1)), Answer::Done);
        let follow = Question::Follow { space: 0, event: "hot".into() };
        assert_eq!(ask(&mut office, &follow), Answer::Done);
        office.stop(0, NOW);
        assert_eq!(code(ask(&mut office, &follow)), "closed");
        assert_eq!(look(&mut office, true, &[]).counts.unwrap().spaces[0].instance, None);
        assert_eq!(code(Answer::read(&office.answer(b"\xff?", NOW)).unwrap()), "malformed");
    }

    #[test]
    fn what_passes_is_told_to_who_watches() {
        let mut office = office(ALL);
        let watch = Question::Watch { from: "sensor".into(), path: "values".into() };
        ask(&mut office, &watch);
        assert_eq!(space(&mut office, SENSOR).emit("store", b"1"), Ok(()));
        let seen = look(&mut office, false, &[]);
        let [(1, passed)] = &seen.watched[..] else { panic!("{seen:?}") };
        assert_eq!((passed.missed, passed.letter.body.as_slice()), (0, &b"1"[..]));
    }

    #[test]
    fn simulated_devices_are_shared_by_the_spaces_that_state_them() {
        use sci::guest::ErrorCode::{Busy, Closed, NotFound, WouldBlock};
        use services_zrun::{Audio as _, Devices as _};
        let mut office = office(ALL);
        let reading = space(&mut office, SENSOR).read("oven").unwrap();
        assert!(String::from_utf8(reading).unwrap().contains("\"number\":1"));
        assert_eq!(space(&mut office, SENSOR).read("oven"), Err(WouldBlock));
        assert_eq!(space(&mut office, STORE).read("oven"), Err(NotFound));
        let lock = space(&mut office, SENSOR).lock("valve", 1000).unwrap();
        assert_eq!(space(&mut office, PANEL).lock("valve", 1000), Err(Busy));
        let done = br#"{"actuator":"valve","done":1,"number":1}"#.to_vec();
        assert_eq!(space(&mut office, SENSOR).command(lock, "1"), Ok(done));
        assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Ok(2000));
        assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Err(WouldBlock));
        assert_eq!(space(&mut office, SENSOR).capture(64), Err(WouldBlock));
        // What a space had is free when it has ended, and its next start has sound of its own.
        office.stop(SENSOR, NOW);
        assert_eq!(space(&mut office, SENSOR).command(lock, "1"), Err(Closed));
        assert!(space(&mut office, PANEL).lock("valve", 1000).is_ok());
        office.start(SENSOR, 2, NOW).unwrap().unwrap();
        assert_eq!(space(&mut office, SENSOR).playback(&[0; 4000]), Ok(2000));
        let mut without = self::office(0);
        assert!(space(&mut without, SENSOR).read("oven").is_err(), "it was not granted");
    }

    #[test]
    fn what_is_recognized_is_an_event_of_its_space_until_it_ends() {
        use sci::guest::ErrorCode::{Denied, Invalid, Malformed, NotFound};
        use services_zrun::Events as _;
        let at = |milliseconds: u64| Time {
            monotonic: milliseconds * 1_000_000,
            realtime: NOW.realtime + milliseconds * 1_000_000,
        };
        let mut office = office(ALL);
        let spec = r#"{"sensor":"oven","when":{"above":0.45}}"#;
        let mut sensor = space(&mut office, SENSOR);
        assert_eq!(sensor.register("hot", "{"), Err(Malformed));
        assert_eq!(sensor.register("Hot", spec), Err(Invalid));
        assert_eq!(sensor.register("cold", spec), Err(Denied));
        assert_eq!(sensor.register("hot", &spec.replace("oven", "fridge")), Err(NotFound));
        assert_eq!(sensor.register("hot", spec), Ok(()));
        assert_eq!(space(&mut office, STORE).register("hot", spec), Err(Denied), "it is the sensor's");
        assert_eq!(space(&mut office, STORE).follow("hot"), Ok(()));
        office.wait(STORE, NOW);
        assert_eq!(office.go_on(at(40)), []);
        assert_eq!(
            office.go_on(at(60)),
            [Called { space: STORE, has_work: true }],
            "nobody asked for a reading"
        );
        let Ok(Next::Message(told)) = space(&mut office, STORE).receive(1000) else { panic!("an event") };
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains(r#""state":"begun""#) && told.contains(r#""value":0.5"#), "{told}");
        assert!(space(&mut office, STORE).info().unwrap().contains("@events/hot"));
        office.stop(SENSOR, at(60));
        office.wait(STORE, at(60));
        assert_eq!(office.go_on(at(160)), [], "its recognizers ended with it");
        let mut bare = self::office(ALL);
        bare.simulated = None;
        assert_eq!(space(&mut bare, SENSOR).register("hot", spec), Err(NotFound));
    }

    #[test]
    fn what_waits_is_bounded_whoever_sends_it() {
        let names: Vec<String> = (0..20).map(|at| format!("space-{at}")).collect();
        let seat = |name: &String| Seat {
            name: name.clone(),
            grants: ALL,
            is_interface: false,
            devices: Vec::new(),
        };
        let configuration = Configuration {
            topology: "flood".into(),
            declaration: Declaration { revision: 1, spaces: names.clone(), ..Declaration::default() },
            seats: names.iter().map(seat).collect(),
            devices: Devices::default(),
        };
        let mut office = Office::new(configuration, NOW).unwrap();
        for number in 0..names.len() {
            office.start(number, 1, NOW).unwrap().unwrap();
        }
        let mut taken = 0;
        for number in 0..names.len() {
            while space(&mut office, number).emit_self(&vec![0; 65_536]).is_ok() {
                taken += 65_536;
            }
        }
        assert!(taken <= HELD_BYTES_MAX && taken > HELD_BYTES_MAX - 65_536, "{taken}");
        // Who takes one makes room for another, whoever sends it.
        assert!(matches!(space(&mut office, 0).receive(65_536), Ok(Next::Message(_))));
        office.wait(0, NOW);
        assert_eq!(space(&mut office, 19).emit_self(&vec![0; 65_536]), Ok(()));
    }

    #[test]
    fn who_is_to_end_is_told_when_it_waits() {
        let mut office = office(ALL);
        office.finish(STORE);
        assert_eq!(office.go_on(NOW), []);
        office.wait(STORE, NOW);
        assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: false }]);
        office.stop(STORE, NOW);
        assert_eq!(space(&mut office, SENSOR).emit("store", b"later"), Ok(()));
        assert_eq!(office.go_on(NOW), []);
        office.start(STORE, 2, NOW).unwrap().unwrap();
        office.wait(STORE, NOW);
        assert_eq!(office.go_on(NOW), [Called { space: STORE, has_work: true }], "it waited for it");
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        assert!(Office::read(b"\xff\xff", NOW).is_err());
    }
}
