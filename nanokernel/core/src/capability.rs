//! Capability tables: what a realm may do, by handle.
//!
//! A [`Handle`] is a slot in the low half and the slot's generation in the high half. A [`Capability`] names an
//! object, the methods its holder may use (bit *i* is method *i*), and a badge. The first slots of a realm are
//! those its manifest requires, in the manifest's order; the rest are made at run time. Making a capability
//! never adds a method: see [`Capability::attenuated`].

use crate::table::{CAPABILITIES, Table};
use sci::limits::CAPABILITIES_MAX;

/// What a realm names a capability by; 0 is none.
pub type Handle = u64;

/// Slots of a realm that its manifest's required list occupies.
pub const REQUIRED_SLOTS: u32 = CAPABILITIES_MAX;
/// Slots of root.
pub const ROOT_SLOTS: u32 = sci::limits::REALM_CAPABILITY_SLOTS_MAX;
/// Slots of every other realm.
pub const REALM_SLOTS: u32 = 96;
const _: () = assert!(
    ROOT_SLOTS as usize + (crate::table::REALMS - 2) * REALM_SLOTS as usize <= CAPABILITIES,
    "every realm has its slots"
);

/// Types of objects: the vocabulary's numbers, and endpoints of components.
pub mod kind {
    /// The slot is free.
    pub const EMPTY: u32 = 0;
    /// The kernel's own console.
    pub const CONSOLE: u32 = 1;
    /// Authority to admit images.
    pub const IMAGE: u32 = 2;
    /// An admitted image.
    pub const PROGRAM: u32 = 3;
    /// Authority to make realms.
    pub const REALM: u32 = 4;
    /// A realm that the holder supervises.
    pub const CHILD: u32 = 5;
    /// A Memory object; object 0 is none but carries the authority to make some.
    pub const MEMORY: u32 = 6;
    /// A range of I/O ports, in the badge: first port, and count << 16; badge 0 is all of them.
    pub const PORTS: u32 = 7;
    /// An interrupt line, in the badge; badge 0 is the authority to choose one.
    pub const INTERRUPT: u32 = 8;
    /// A notification.
    pub const NOTIFICATION: u32 = 9;
    /// Time.
    pub const CLOCK: u32 = 10;
    /// The machine.
    pub const MACHINE: u32 = 12;
    /// A component's inbox, through one of its exports.
    pub const ENDPOINT: u32 = 0x80;
    /// Set beside a required capability that its component gave up: a reset puts it back.
    pub const DROPPED: u32 = 0x100;
}

/// One capability, or the memory of one in a free slot: `generation` outlives its occupants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(32))]
pub struct Capability {
    /// Methods that may be used.
    pub mask: u64,
    /// What the object learns of the way it was reached.
    pub badge: u64,
    /// Index of the object among those of its kind.
    pub object: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// The object's stamp when the capability was made; another one means the object is gone.
    pub stamp: u32,
    /// Generation of the slot.
    pub generation: u32,
}

impl Capability {
    /// A free slot that was never used.
    pub const EMPTY: Self = Self { mask: 0, badge: 0, object: 0, kind: kind::EMPTY, stamp: 0, generation: 0 };

    /// A capability to an object, with every method of `mask`.
    pub const fn new(kind: u32, object: u32, stamp: u32, mask: u64) -> Self {
        Self { mask, badge: 0, object, kind, stamp, generation: 0 }
    }

    /// The same capability with at most the methods of `mask`.
    #[must_use]
    pub const fn attenuated(self, mask: u64) -> Self {
        Self { mask: self.mask & mask, ..self }
    }

    /// Whether it allows everything that `other` allows, on the same object.
    pub const fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.object == other.object
            && self.stamp == other.stamp
            && other.mask & !self.mask == 0
            && (self.badge == other.badge || badge_covers(self.kind, self.badge, other.badge))
    }
}

/// Whether a badge may be replaced: only where it narrows a capability that has none.
const fn badge_covers(kind: u32, from: u64, _to: u64) -> bool {
    from == 0 && matches!(kind, kind::PORTS | kind::INTERRUPT)
}

/// A realm's slots: a range of the one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Area {
    /// First slot.
    pub first: u32,
    /// Slots.
    pub count: u32,
}

impl Area {
    /// The slots of a realm; realm 1 is root.
    pub const fn of(realm: u32) -> Self {
        if realm <= 1 {
            Self { first: 0, count: ROOT_SLOTS }
        } else {
            Self { first: ROOT_SLOTS + (realm - 2) * REALM_SLOTS, count: REALM_SLOTS }
        }
    }
}

/// Why a handle names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The realm never held it.
    Forged,
    /// The realm held it and gave it up, or the object is gone.
    Revoked,
}

/// Every realm's capabilities.
#[derive(Debug)]
pub struct Capabilities(pub Table<Capability, CAPABILITIES>);

impl Capabilities {
    /// Free slots only.
    pub const fn new() -> Self {
        Self(Table::new(Capability::EMPTY))
    }

    /// Index in the table of a slot of an area.
    #[inline]
    pub const fn index(area: Area, slot: u32) -> usize {
        area.first.wrapping_add(slot) as usize
    }

    /// The index that a handle names.
    pub fn find(&self, area: Area, handle: Handle) -> Result<usize, Miss> {
        let (slot, generation) = (handle as u32, (handle >> 32) as u32);
        if slot >= area.count || generation == 0 {
            return Err(Miss::Forged);
        }
        let index = Self::index(area, slot);
        let held = self.0.at(index);
        if generation > held.generation {
            return Err(Miss::Forged);
        }
        let is_gone =
            generation < held.generation || held.kind == kind::EMPTY || held.kind & kind::DROPPED != 0;
        if is_gone { Err(Miss::Revoked) } else { Ok(index) }
    }

    /// Puts a capability in a slot that is free; answers its handle.
    pub fn put(&mut self, area: Area, slot: u32, capability: Capability) -> Handle {
        let place = self.0.at_mut(Self::index(area, slot));
        assert!(place.kind == kind::EMPTY, "a slot holds one capability");
        let generation = place.generation.wrapping_add(1).max(1);
        *place = Capability { generation, ..capability };
        u64::from(generation) << 32 | u64::from(slot)
    }

    /// A free slot beyond the required ones.
    pub fn free_slot(&self, area: Area) -> Option<u32> {
        (REQUIRED_SLOTS..area.count).find(|&slot| self.0.at(Self::index(area, slot)).kind == kind::EMPTY)
    }

    /// The handle of a slot, 0 if it is free.
    pub fn handle(&self, area: Area, slot: u32) -> Handle {
        let held = self.0.at(Self::index(area, slot));
        if held.kind == kind::EMPTY { 0 } else { u64::from(held.generation) << 32 | u64::from(slot) }
    }

    /// Empties a slot; answers what it held.
    pub fn clear(&mut self, index: usize) -> Capability {
        let place = self.0.at_mut(index);
        let held = *place;
        *place = Capability { generation: held.generation, ..Capability::EMPTY };
        held
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_its_slot_in_one_generation_only() {
        // The table is too large for a test's stack in an unoptimised build.
        let made = std::thread::Builder::new().stack_size(16 << 20).spawn(|| Box::new(Capabilities::new()));
        let mut capabilities = made.expect("a thread starts").join().expect("a table is made");
        let area = Area::of(2);
        let first = capabilities.put(area, 70, Capability::new(kind::CLOCK, 0, 0, 1));
        let index = capabilities.find(area, first).expect("it was just put");
        assert_eq!(capabilities.find(area, first + (1 << 32)), Err(Miss::Forged));
        assert_eq!(capabilities.find(area, first + 1), Err(Miss::Forged));
        assert_eq!(capabilities.find(area, u64::from(area.count) | 1 << 32), Err(Miss::Forged));
        capabilities.clear(index);
        assert_eq!(capabilities.find(area, first), Err(Miss::Revoked));
        let second = capabilities.put(area, 70, Capability::new(kind::CLOCK, 0, 0, 1));
        assert_eq!(capabilities.find(area, first), Err(Miss::Revoked));
        assert!(capabilities.find(area, second).is_ok());
    }

    #[test]
    fn areas_do_not_overlap() {
        for realm in 1..crate::table::REALMS as u32 - 1 {
            let (here, next) = (Area::of(realm), Area::of(realm + 1));
            assert!(here.first + here.count <= next.first);
            assert!((next.first + next.count) as usize <= CAPABILITIES);
        }
    }
}
