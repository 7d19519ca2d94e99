//! What spaces recognize in what the simulated sensors measure.

use super::{Office, is_new, milliseconds};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use services_zmesh::{Declaration, Instance, Time};
use services_zrun::{Recognized, Seen};

/// How long modules rest, in times of what they took: a quarter of the time is theirs.
const REST: u64 = 3;

/// Events that a space declares.
pub(super) fn declared(declaration: &Declaration, space: &str) -> Vec<String> {
    let own = declaration.events.iter().filter(|event| event.from == space);
    own.map(|event| event.name.clone()).collect()
}

impl Office {
    /// Emits what was recognized in what sensors have measured by now.
    pub(super) fn recognize(&mut self, now: Time) {
        let Some(simulated) = &mut self.simulated else { return };
        for recognized in simulated.recognized(milliseconds(now)) {
            self.tell(&recognized, now);
        }
    }

    /// Time has passed: modules look at what waits for them, if they did not take too much of it: see [`Office::rest`].
    /// They do so as often as that, whoever else asks for something.
    pub fn pass(&mut self, now: Time) {
        self.recognize(now);
        let Some(simulated) = self.simulated.as_mut().filter(|_| now.monotonic >= self.looks_from) else {
            return;
        };
        for seen in simulated.look() {
            match seen {
                Seen::Event(recognized) => self.tell(&recognized, now),
                Seen::Ended(space, says) => {
                    let Some(member) = self.members.get(space as usize) else { continue };
                    let line = format!("{}: {says}", member.name);
                    // Whoever is refused much says nothing of others' ends away.
                    if is_new(&mut self.ended, &line) {
                        self.lines.push_back(line);
                    }
                }
            }
        }
    }

    /// Modules have looked from a time until another, while nothing of a lower priority ran: they rest for some times as
    /// long.
    pub fn rest(&mut self, began: Time, now: Time) {
        let took = now.monotonic.saturating_sub(began.monotonic);
        self.looks_from = self.looks_from.max(now.monotonic.saturating_add(took.saturating_mul(REST)));
    }

    /// Emits an event for a space, if it still runs.
    fn tell(&mut self, recognized: &Recognized<u32>, now: Time) {
        let Self { mesh, members, lines, said, .. } = self;
        let Recognized { space, event, payload } = recognized;
        let Some(member) = members.get(*space as usize).filter(|member| member.runs) else { return };
        let instance = Instance { space: &member.name, number: member.instance };
        if let Err(error) = mesh.publish(instance, event, payload, now) {
            let refusal = format!("refused {}: event `{event}`: {error}", member.name);
            if is_new(said, &refusal) {
                lines.push_back(refusal);
            }
        }
    }
}
