//! The state of one topology: its spaces and their messages.

use super::agents::Calls;
use super::effects::Effects;
use super::member::{Brought, Member, Past, Standing};
use super::operator::OPERATOR;
use super::quota::{Judgement, Processor};
use super::recognizers::Recognized;
use super::{Run, not_running};
use crate::application::Application;
use sci::guest::{ErrorCode, GuestCapability};
use services_zmesh::{After, DeadLetter, DeadLetters, Emitted, Instance, Mesh, Message, Output, PathStats};
use services_zrun::InMemory;
use services_zrun::remote::{Server, Wait, arrived, brought, is_full};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages in a row that there is no room for, after which their sender is told later.
const REFUSALS: u32 = 16;

pub struct House {
    pub mesh: Mesh,
    pub application: Arc<Application>,
    pub revision: u64,
    pub members: BTreeMap<String, Member>,
    /// What became of the starts of spaces.
    pub past: BTreeMap<String, Past>,
    /// Spaces of the process, by their numbers there.
    pub numbers: BTreeMap<u32, String>,
    pub last_number: u32,
    /// Functions that are being carried out.
    pub calls: Calls,
    /// Which start of the operator's end sends.
    pub operator: Option<u64>,
    /// What its spaces use of the processor.
    pub processor: Processor,
    /// Its files are closed.
    pub is_closed: bool,
}

impl House {
    /// Forgets what is on its way, which the journal has.
    pub fn close(&mut self) {
        let name = self.application.name();
        // The name was one when the mesh was opened.
        if let Ok(mesh) = Mesh::new(name, name, 0) {
            self.mesh = mesh;
        }
        self.numbers.clear();
        self.members.clear();
        self.calls = Calls::default();
        self.operator = None;
        self.is_closed = true;
    }

    /// Starts an end of the mesh that is no space, which was declared a moment ago: the number of this start.
    pub fn start_end(&mut self, run: &Run, end: &str) -> Option<u64> {
        let number = self.mesh.next_instance(end).unwrap_or(1);
        self.mesh.start(Instance { space: end, number }, run.now()).ok().map(|()| number)
    }

    /// Takes all that has come to such an end.
    pub fn take_at(&mut self, run: &Run, end: Instance<'_>) -> Vec<Message> {
        let taken = std::iter::from_fn(|| self.mesh.take(end, usize::MAX, run.now()).ok()).collect();
        // It runs: it has just taken.
        let _ = self.mesh.finish(end, run.now());
        taken
    }

    /// Does what the mesh says is to be done.
    pub fn deliver(&mut self, run: &Run) {
        while let Some(output) = self.mesh.next_output() {
            match output {
                Output::Ready { space, .. } if *space == *run.end => self.take_results(run),
                Output::Ready { space, .. } if *space == *OPERATOR => self.take_answers(run),
                Output::Ready { space, .. } => self.call(run, &space),
                Output::Dead(letter) => {
                    let text = format!("a message to `{}` is dead: {}", letter.to, letter.reason.meaning());
                    let from =
                        letter.from.split('#').next().filter(|from| ![&*run.end, OPERATOR].contains(from));
                    if letter.times == 1 {
                        run.book.event(from.unwrap_or_default(), &text);
                    }
                }
                // A guest that was refused asks again.
                Output::Credit { space, .. } => self.tell_late(run, &space),
                // There is no other host.
                Output::Publish { .. } => {}
            }
        }
    }

    /// Calls a space that waits, if there is something to process, or if it is to end.
    pub fn call(&mut self, run: &Run, space: &str) {
        let waiting = self.mesh.waiting(space);
        let is_interface = self.application.is_interface(space);
        let Some(member) = self.members.get_mut(space) else { return };
        if is_interface && !member.standing.has_ended() {
            return self.show(run, space);
        }
        let Some(number) = member.number else { return };
        if !member.awaits
            && let Some(wait) = run.process.noted(number)
        {
            member.waits(wait);
        }
        if !member.awaits {
            if !member.asks && (waiting > 0 || member.end_by.is_some()) {
                member.asks = true;
                run.process.ask(number);
            }
            return;
        }
        member.seen = member.seen.min(waiting);
        if member.end_by.is_some() {
            member.called(0, true);
            run.process.arrive(number, &arrived(false), true);
        } else if !member.grants.holds(GuestCapability::NetRecvNext) || member.brought == Brought::Left {
            // A message that is left calls nobody again.
            if waiting > member.seen {
                member.called(waiting, true);
                run.process.arrive(number, &arrived(true), true);
            }
        } else if let Ok(message) =
            self.mesh.take(Instance { space, number: member.epoch }, usize::MAX, run.now())
        {
            // It need not ask for it. Where there is none, the mesh says when there is one again.
            let left = self.mesh.waiting(space);
            if left == 0 {
                self.mesh.tell_again(space);
            }
            member.called(left, left > 0);
            member.brought = Brought::Message;
            member.info = Some(message.info());
            run.process.arrive(number, &brought(&message.body), left > 0);
        }
    }

    /// A space waits for something to process.
    pub fn waits(&mut self, run: &Run, space: &str, wait: Wait) {
        let Some(member) = self.members.get_mut(space) else { return };
        if member.standing == Standing::Starting {
            member.standing = Standing::Running;
            let _ = run.ways.nudge.send(());
        }
        member.waits(wait);
        self.call(run, space);
        self.deliver(run);
    }

    /// Moves what waits for a user interface to where its pages find it.
    pub fn show(&mut self, run: &Run, space: &str) {
        let Some(member) = self.members.get_mut(space) else { return };
        let instance = Instance { space, number: member.epoch };
        while let Ok(message) = self.mesh.take(instance, usize::MAX, run.now()) {
            if let Some(unshown) = member.show(message) {
                self.mesh.bury_unshown(&unshown, run.now());
            }
        }
    }

    /// What waited for the pages of a user interface that ends reaches none.
    fn bury_unshown(&mut self, run: &Run, space: &str) {
        let Some(member) = self.members.get_mut(space) else { return };
        for message in std::mem::take(&mut member.shown) {
            self.mesh.bury_unshown(&message, run.now());
        }
    }

    pub fn serve(&mut self, run: &Run, space: &str, server: Server, request: &[u8]) -> Vec<u8> {
        let Some(member) = self.members.get_mut(space) else { return Vec::new() };
        let now = run.now();
        let mut effects =
            Effects { space, member, mesh: &mut self.mesh, run, now, nothing: InMemory::new(0) };
        server.serve(request, &mut effects)
    }

    /// Replies to a space, or keeps the reply back: who sends again and again where there is no room takes the time of
    /// others, and learns of it when there is room, or a moment later. So does who writes more than it may.
    pub fn reply(&mut self, run: &Run, space: &str, number: u32, reply: Vec<u8>) {
        if let Some(member) = self.members.get_mut(space) {
            member.refused = if is_full(&reply) { member.refused.saturating_add(1) } else { 0 };
            if member.refused > REFUSALS || run.book.must_wait(space) {
                member.late = Some(reply);
                return;
            }
        }
        run.process.reply(number, &reply);
    }

    /// Tells a space what was kept back.
    pub fn tell_late(&mut self, run: &Run, space: &str) {
        let Some(member) = self.members.get_mut(space).filter(|member| member.late.is_some()) else { return };
        if run.book.must_wait(space) {
            return;
        }
        if let (Some(number), Some(reply)) = (member.number, member.late.take()) {
            run.process.reply(number, &reply);
        }
    }

    /// Ends a space that broke a rule.
    pub fn end(&mut self, run: &Run, number: u32, reason: String) {
        let Some(name) = self.numbers.get(&number) else { return };
        if let Some(member) = self.members.get_mut(name) {
            member.ending.get_or_insert(reason);
            run.process.stop(number);
        }
    }

    /// Ends spaces that used more than they may.
    pub fn judge(&mut self, run: &Run) {
        for (number, reason) in run.values.beyond() {
            self.end(run, number, reason);
        }
        let Some(process) = run.process.id() else { return };
        let shares = self.members.values().filter_map(|member| Some((member.number?, member.share)));
        for (number, judgement) in self.processor.look(process, &shares.collect()) {
            match judgement {
                Judgement::Beyond(reason) => self.end(run, number, reason),
                Judgement::Last(why) => {
                    if let Some(name) = self.numbers.get(&number) {
                        run.book.event(name, &why);
                    }
                }
            }
        }
    }

    /// A start of a space, or what kept it from starting.
    pub fn began(&mut self, run: &Run, space: &str, member: Member) {
        run.book.event(space, &format!("start {}: {}", member.epoch, member.standing));
        let past = self.past.entry(space.to_owned()).or_default();
        past.starts += 1;
        past.note(&member.standing);
        self.bury_unshown(run, space);
        self.members.insert(space.to_owned(), member);
    }

    /// A space has ended.
    pub fn ended(&mut self, run: &Run, space: &str, standing: Standing) {
        let Some(member) = self.members.get_mut(space) else { return };
        if member.standing.has_ended() {
            return;
        }
        if let Some(number) = member.number.take() {
            self.numbers.remove(&number);
        }
        run.book.event(space, &standing.to_string());
        self.past.entry(space.to_owned()).or_default().note(&standing);
        member.standing = standing;
        // What it has locked is free again.
        member.bench = None;
        member.sound = None;
        run.stop_all(run.recognizers.leave(space));
        let instance = Instance { space, number: member.epoch };
        // One that is not known to the mesh has no messages there.
        let _ = self.mesh.stop(instance, After::Restart, run.now());
        self.bury_unshown(run, space);
        let _ = run.ways.nudge.send(());
    }

    /// Emits what was recognized for a space, if it still runs.
    pub fn tell(&mut self, run: &Run, recognized: &Recognized) {
        let Recognized { space, event, payload } = recognized;
        let Some(member) = self.members.get(space).filter(|member| !member.standing.has_ended()) else {
            return;
        };
        let instance = Instance { space, number: member.epoch };
        if let Err(error) = self.mesh.publish(instance, event, payload, run.now()) {
            run.book.event(space, &error.to_string());
        }
    }

    /// Sends in the name of a space along a path, or to a space as who operates it.
    pub fn emit(
        &mut self,
        run: &Run,
        space: &str,
        to: Option<&str>,
        body: &[u8],
    ) -> Result<u64, (ErrorCode, String)> {
        let Some(member) = self.members.get(space).filter(|member| !member.standing.has_ended()) else {
            return Err(not_running(space));
        };
        let instance = Instance { space, number: member.epoch };
        let sent = match to {
            Some(to) => self.mesh.emit(instance, to, body, run.now()),
            None => {
                let operator = self.operator.ok_or_else(|| not_running(space))?;
                self.mesh.emit(Instance { space: OPERATOR, number: operator }, space, body, run.now())
            }
        };
        self.deliver(run);
        match sent {
            Ok(Emitted::Accepted(id)) => Ok(id.number),
            Ok(Emitted::Dropped) => Ok(0),
            Err(error) => Err((error.code(), error.to_string())),
        }
    }
}

/// A look at a topology that stands still meanwhile.
pub struct Look<'l>(pub(super) &'l House);

impl Look<'_> {
    /// What runs.
    pub fn application(&self) -> &Application {
        &self.0.application
    }

    /// The number of its revision.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    /// What a path did.
    pub fn path(&self, from: &str, name: &str) -> PathStats {
        self.0.mesh.stats(from, name).unwrap_or_default()
    }

    /// Messages that wait for a space.
    pub fn waiting(&self, space: &str) -> usize {
        self.0.mesh.waiting(space)
    }

    /// How often a space used a capability since it was started.
    pub fn used(&self, space: &str) -> BTreeMap<&'static str, u64> {
        self.0.members.get(space).map(|member| member.used.clone()).unwrap_or_default()
    }

    /// What became of a space's starts.
    pub fn past(&self, space: &str) -> Past {
        self.0.past.get(space).cloned().unwrap_or_default()
    }

    /// Bytes of a space's memory.
    pub fn memory(&self, space: &str) -> u64 {
        let member = self.0.members.get(space).filter(|member| !member.standing.has_ended());
        member.map_or(0, |member| member.memory)
    }

    /// How many of the latest messages that reached nobody were sent along a path, and why the last of them did not.
    pub fn dead_on(&self, from: &str, path: &str) -> (u64, Option<&'static str>) {
        let is_of = |letter: &&DeadLetter| letter.to == path && letter.from.split('#').next() == Some(from);
        self.dead()
            .iter()
            .filter(is_of)
            .fold((0, None), |(times, _), letter| (times + letter.times, Some(letter.reason.meaning())))
    }

    /// The latest messages that reached nobody.
    pub fn dead(&self) -> &DeadLetters {
        self.0.mesh.dead_letters()
    }
}
