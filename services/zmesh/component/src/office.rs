//! The spaces of a topology at the mesh: what each asks, and which of those that wait are called.

mod asked;
mod budgets;
mod configuration;
mod orders;
mod recognize;

pub use configuration::{Configuration, Seat};

use crate::agency::{self, Agency};
use crate::calling::Calling;
use crate::post::Post;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::{ErrorCode, GuestCapability as Capability};
use services_zmesh::{
    After, DeclareError, DirectoryError, Emitted, Instance, Mesh, Message, Output, TapId, Time,
};
use services_zrun::agents::{AgentBody, Name};
use services_zrun::remote::{Concern, Desk, Server, Slow, TooLarge, concerns};
use services_zrun::{Grants, InMemory, Silence, Simulated, Simulation as Devices};

#[cfg(test)]
mod tests;

/// The host, as the mesh names it.
const HOST: &str = "nanokernel";
/// Its own name among the spaces, where it has these carry functions out: paths lead from there.
pub const END: &str = "@nanokernel";
const END_INSTANCE: Instance<'_> = Instance { space: END, number: 1 };
/// Bytes of messages that wait or are in process: less than half of the component's heap, since each takes more than
/// its bytes, and a request and its reply lie beside it.
const HELD_BYTES_MAX: u64 = 12 << 20;
/// Messages that are kept for a user interface while nobody looks, and their bytes.
const SHOWN_MAX: usize = 64;
const SHOWN_BYTES_MAX: usize = 256 << 10;
/// Modules that recognize at once: so many memories the component's heap has room for, beside messages.
const MODULES_MAX: usize = 2;
/// Different refusals that are said: each once, so that whoever asks in vain all the time is not heard all the time.
const SAID_MAX: usize = 256;
/// What a space may ask for here, if it was granted.
const ASKED: [Capability; 14] = [
    Capability::AgentInvokeDf,
    Capability::AgentInvokeAf,
    Capability::AgentInvokeLlm,
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

/// Whether an instance has waited yet, and whether that was told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    No,
    Now,
    Told,
}

/// A space at the mesh.
struct Member {
    name: Arc<str>,
    is_interface: bool,
    instance: u64,
    runs: bool,
    begun: Begun,
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
    /// Keeps a message for whoever looks; the oldest, for which there is no room any more.
    fn show(&mut self, message: Message) -> Vec<Message> {
        self.shown.push_back(message);
        let mut bytes: usize = self.shown.iter().map(|message| message.body.len()).sum();
        let mut first = 0;
        while self.shown.len() - first > SHOWN_MAX || bytes > SHOWN_BYTES_MAX {
            bytes -= self.shown[first].body.len();
            first += 1;
        }
        self.shown.drain(..first).collect()
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

/// Whether a line was not said yet, and is to be.
fn is_new(said: &mut BTreeSet<String>, line: &str) -> bool {
    said.len() < SAID_MAX && said.insert(line.into())
}

/// What sends functions their inputs.
fn sends(mesh: &mut Mesh, now: Time) -> impl FnMut(&str, &[u8]) -> Result<u64, ErrorCode> + use<'_> {
    move |function, input| match mesh.emit(END_INSTANCE, function, input, now) {
        Ok(Emitted::Accepted(id)) => Ok(id.number),
        Ok(Emitted::Dropped) => Err(ErrorCode::WouldBlock),
        Err(error) => Err(error.code()),
    }
}

/// The mesh and its spaces.
pub struct Office {
    mesh: Mesh,
    agency: Agency,
    /// Models of the topology, by name.
    models: Vec<String>,
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
    orders: orders::Orders,
    /// Paths, by sender and name.
    paths: Vec<(String, String)>,
    /// What is to be said, oldest first.
    lines: VecDeque<String>,
    said: BTreeSet<String>,
    /// The same of recognizers that ended.
    ended: BTreeSet<String>,
    /// Modules do not look before, as they took time from others: nanoseconds.
    looks_from: u64,
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
        let Configuration { topology, declaration, seats, mut devices, agents, runs } = configuration;
        let mut mesh = Mesh::new(&topology, HOST, 1)?;
        mesh.hold_at_most(HELD_BYTES_MAX);
        mesh.declare(&declaration, now)?;
        if declaration.spaces.iter().any(|space| space == END) {
            // It was declared a moment ago, and this is its first start.
            let _ = mesh.start(END_INSTANCE, now);
        }
        let mut lines = VecDeque::new();
        let mut unused = Vec::new();
        for path in &declaration.paths {
            let text = format!("{} -> {} along `{}`", path.from, path.to, path.name);
            lines.push_back(format!("path {text}"));
            unused.extend(mesh.tap(&path.from, &path.name).ok().map(|tap| (tap, text)));
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
                begun: Begun::No,
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
        let is_model = |body: &AgentBody<Name>| matches!(body, AgentBody::Model(_));
        let models = agents.agents.iter().filter(|(_, body)| is_model(body)).map(|(name, _)| name.clone());
        let models = models.collect();
        let agency = Agency::new(agents, seats.iter().map(|seat| seat.name.clone()).collect());
        let (watches, said) = (Vec::new(), BTreeSet::new());
        let simulated = devices.start(milliseconds(now), MODULES_MAX);
        let mut office = Self {
            mesh,
            agency,
            models,
            devices,
            simulated,
            members,
            hosted,
            unused,
            watches,
            last_watch: 0,
            orders: orders::Orders::default(),
            paths,
            lines,
            said,
            ended: BTreeSet::new(),
            looks_from: 0,
        };
        for space in 0..if runs { office.members.len() } else { 0 } {
            // It was declared a moment ago, and this is its first start.
            let _ = office.start(space, 1, now);
        }
        Ok(office)
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
        member.begun = Begun::No;
        member.sound = self.devices.sound(milliseconds(now));
        self.agency.leave(space);
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
        self.agency.leave(space);
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
    pub fn call(
        &mut self,
        number: usize,
        bytes: &[u8],
        first: &mut [u8],
        now: Time,
    ) -> Result<u32, TooLarge> {
        self.invoke(now, |agency, send| agency.tick(send, milliseconds(now)));
        let Self { mesh, agency, simulated, members, lines, said, .. } = self;
        let Some(member) = members.get_mut(number) else { return Err(TooLarge) };
        let Member { name, server, desk, calling, info, instance, stated, events, sound, .. } = member;
        let instance = Instance { space: name, number: *instance };
        let nothing = InMemory::new(0);
        let time = milliseconds(now);
        let bench = simulated.as_mut().map(|simulated| simulated.for_space(number as u32, stated, time));
        let sound = sound.as_mut().map(|sound| sound.at(time));
        let mut post =
            Post { mesh, instance, calling, info, now, refusal: None, nothing, bench, events, sound };
        let answer = desk.call(bytes, first, |request| match (server.slow(request), concerns(request)) {
            (Some(Slow::Invoke { kind, name, input }), _) => {
                agency.begin(number, (kind, name, input), &mut sends(post.mesh, now), time)
            }
            (_, Concern::Result) => agency.reply(number),
            _ => server.serve(request, &mut post),
        });
        let refusal = post.refusal;
        lines.extend(refusal.map(|refusal| format!("refused {refusal}")).filter(|line| is_new(said, line)));
        answer
    }

    /// Has something done for those that invoke agents.
    fn invoke(&mut self, now: Time, what: impl FnOnce(&mut Agency, &mut agency::Send<'_>)) {
        let Self { mesh, agency, lines, said, .. } = self;
        what(agency, &mut sends(mesh, now));
        lines.extend(agency.lines().into_iter().filter(|line| is_new(said, line)));
    }

    /// Gives the results of functions to whoever invoked them.
    fn take_results(&mut self, now: Time) {
        while let Ok(message) = self.mesh.take(END_INSTANCE, usize::MAX, now) {
            if let Some(id) = &message.answers {
                let time = milliseconds(now);
                self.invoke(now, |agency, send| agency.called(id.number, &message.body, send, time));
            }
            // It runs: it has just taken.
            let _ = self.mesh.finish(END_INSTANCE, now);
        }
    }

    /// Gives bytes of a space's reply.
    pub fn take(&self, space: usize, offset: u32, bytes: &mut [u8]) -> u32 {
        self.members.get(space).map_or(0, |member| member.desk.take(offset, bytes))
    }

    /// A space has processed what it was called for, and waits.
    pub fn wait(&mut self, space: usize, now: Time) {
        let Some(member) = self.members.get_mut(space) else { return };
        member.calling.wait();
        if member.begun == Begun::No {
            member.begun = Begun::Now;
        }
        let name = Arc::clone(&member.name);
        let instance = Instance { space: &name, number: member.instance };
        // It runs, or it would not ask.
        let _ = self.mesh.finish(instance, now);
    }

    /// The next space that has begun.
    pub fn next_begun(&mut self) -> Option<usize> {
        let space = self.members.iter().position(|member| member.begun == Begun::Now)?;
        self.members[space].begun = Begun::Told;
        Some(space)
    }

    /// Does what the mesh says is to be done, and what time has brought: the spaces that are called.
    pub fn go_on(&mut self, now: Time) -> Vec<Called> {
        self.recognize(now);
        self.mesh.tick(now);
        self.take_results(now);
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
                    for unshown in member.show(message) {
                        self.mesh.bury_unshown(&unshown, now);
                    }
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
}
