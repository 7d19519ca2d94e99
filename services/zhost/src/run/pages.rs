//! What the pages of user interfaces do.

use super::{Run, not_running};
use sci::guest::{ErrorCode, GuestCapability};
use services_zmesh::{Instance, Message};

impl Run {
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
}
