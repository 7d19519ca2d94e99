//! The state of one topology: its spaces and their messages.

use super::effects::Effects;
use super::member::{Member, Standing};
use super::{Run, not_running};
use crate::application::Application;
use sci::guest::ErrorCode;
use services_zmesh::{After, DeadLetters, Emitted, Instance, Mesh, Output, PathStats};
use services_zrun::InMemory;
use services_zrun::remote::{Server, arrived};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct House {
    pub mesh: Mesh,
    pub application: Arc<Application>,
    pub revision: u64,
    pub members: BTreeMap<String, Member>,
    /// Spaces of the process, by their numbers there.
    pub numbers: BTreeMap<u32, String>,
    pub last_number: u32,
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
        self.is_closed = true;
    }

    /// Does what the mesh says is to be done.
    pub fn deliver(&mut self, run: &Run) {
        while let Some(output) = self.mesh.next_output() {
            match output {
                Output::Ready { space, .. } => self.call(run, &space),
                Output::Dead(letter) => {
                    let text = format!("a message to `{}` is dead: {}", letter.to, letter.reason.meaning());
                    let from = letter.from.split('#').next().unwrap_or_default();
                    if letter.times == 1 {
                        run.book.event(from, &text);
                    }
                }
                // A guest that was refused asks again; there is no other host.
                Output::Credit { .. } | Output::Publish { .. } => {}
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
        let Some(number) = member.number.filter(|_| member.awaits) else { return };
        member.seen = member.seen.min(waiting);
        if member.end_by.is_some() {
            member.awaits = false;
            run.process.reply(number, &arrived(false));
        } else if waiting > 0 && (member.took || waiting > member.seen) {
            // A message that is left calls nobody again.
            (member.awaits, member.took, member.seen) = (false, false, waiting);
            run.process.reply(number, &arrived(true));
        } else if waiting == 0 {
            // So that the mesh says when there is one again.
            let _ = self.mesh.take(Instance { space, number: member.epoch }, 0, run.now());
        }
    }

    /// Moves what waits for a user interface to where its pages find it.
    pub fn show(&mut self, run: &Run, space: &str) {
        let Some(member) = self.members.get_mut(space) else { return };
        let instance = Instance { space, number: member.epoch };
        while let Ok(message) = self.mesh.take(instance, usize::MAX, run.now()) {
            member.show(message);
        }
    }

    pub fn serve(&mut self, run: &Run, space: &str, server: Server, request: &[u8]) -> Vec<u8> {
        let Some(member) = self.members.get_mut(space) else { return Vec::new() };
        let now = run.now();
        let mut effects =
            Effects { space, member, mesh: &mut self.mesh, book: &run.book, now, nothing: InMemory::new(0) };
        server.serve(request, &mut effects)
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
        member.standing = standing;
        // What it has locked is free again.
        member.bench = None;
        let instance = Instance { space, number: member.epoch };
        // One that is not known to the mesh has no messages there.
        let _ = self.mesh.stop(instance, After::Restart, run.now());
        let _ = run.nudge.send(());
    }

    /// Sends in the name of a space: along a path, or to itself.
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
            None => self.mesh.self_emit(instance, body, run.now()),
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

    /// The latest messages that reached nobody.
    pub fn dead(&self) -> &DeadLetters {
        self.0.mesh.dead_letters()
    }
}
