//! What spaces recognize in what the simulated sensors measure.

use super::{Office, SAID_MAX, milliseconds};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use services_zmesh::{Declaration, Instance, Time};
use services_zrun::Recognized;

/// Events that a space declares.
pub(super) fn declared(declaration: &Declaration, space: &str) -> Vec<String> {
    let own = declaration.events.iter().filter(|event| event.from == space);
    own.map(|event| event.name.clone()).collect()
}

impl Office {
    /// Emits what was recognized in what sensors have measured by now.
    pub(super) fn recognize(&mut self, now: Time) {
        let Self { mesh, simulated, members, lines, said, .. } = self;
        let Some(simulated) = simulated else { return };
        for Recognized { space, event, payload } in simulated.recognized(milliseconds(now)) {
            let Some(member) = members.get(space as usize).filter(|member| member.runs) else { continue };
            let instance = Instance { space: &member.name, number: member.instance };
            if let Err(error) = mesh.publish(instance, &event, &payload, now) {
                let refusal = format!("refused {}: event `{event}`: {error}", member.name);
                if said.len() < SAID_MAX && said.insert(refusal.clone()) {
                    lines.push_back(refusal);
                }
            }
        }
    }
}
