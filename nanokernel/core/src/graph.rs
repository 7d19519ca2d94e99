//! The object graph: realms below root, what they hold, what is mapped for them.

use crate::capability::{Capabilities, kind};
use crate::hal::Space;
use crate::kernel::Kernel;
use crate::realm::RealmState;
use crate::table::{MAPPINGS, MEMORIES, NOTIFICATIONS, REALMS};

/// What a walk over the object graph reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Realms, each with its thread and inbox.
    pub realms: u32,
    /// Capabilities.
    pub capabilities: u32,
    /// Memory objects.
    pub memories: u32,
    /// Notifications.
    pub notifications: u32,
}

impl Kernel {
    /// Walks the graph from root. `None` where an object exists that the walk does not reach, or an edge leads
    /// to an object that does not exist.
    pub fn census(&self) -> Option<Census> {
        let mut census = Census::default();
        let (mut memories, mut notifications) = ([false; MEMORIES], [false; NOTIFICATIONS]);
        for index in 1..REALMS {
            let realm = self.realms.at(index);
            if realm.state == RealmState::Free {
                continue;
            }
            // Makers are older: following them from any realm ends at root.
            let mut at = index;
            for _ in 0..REALMS {
                at = usize::from(self.realms.at(at).maker);
            }
            let is_whole = realm.space == Space(0) || self.thread(index as u16).space == realm.space;
            if at != 0 || !is_whole {
                return None;
            }
            census.realms += 1;
            let area = self.area(index as u16);
            for slot in 0..area.count {
                let held = self.capabilities.0.at(Capabilities::index(area, slot));
                let object = held.object as usize;
                match held.kind & !kind::DROPPED {
                    kind::EMPTY => continue,
                    kind::MEMORY => *memories.get_mut(object)? = true,
                    kind::NOTIFICATION => *notifications.get_mut(object)? = true,
                    kind::PROGRAM => {
                        self.programs.at(object).get()?;
                    }
                    _ => {}
                }
                census.capabilities += 1;
            }
        }
        for index in 0..MAPPINGS {
            let mapping = self.mappings.at(index);
            if mapping.realm != 0 {
                *memories.get_mut(mapping.memory as usize)? = true;
            }
        }
        for (index, reached) in memories.iter().enumerate().skip(1) {
            let exists = self.memories.at(index).references > 0;
            census.memories += u32::from(exists);
            if exists && !reached {
                return None;
            }
        }
        for (index, reached) in notifications.iter().enumerate().skip(1) {
            let exists = self.notifications.at(index).references > 0;
            census.notifications += u32::from(exists);
            if exists && !reached {
                return None;
            }
        }
        Some(census)
    }
}
