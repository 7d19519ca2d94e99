//! Realms: a component's memory, capabilities and main thread under one index.

use crate::hal::{Frame, Space};

/// Where a realm is in its life. Its representation is fixed so that a table of free ones is all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RealmState {
    /// The index is free.
    Free,
    /// Its memory is being made; the number of pages and relocations done.
    Building(u32),
    /// It can be granted capabilities and started.
    New,
    /// Its thread runs or waits.
    Running,
    /// Its thread faulted.
    Faulted,
    /// Its thread ended by itself.
    Ended,
    /// Its memory is being returned, for good or to be made again.
    Releasing {
        /// Whether it is built again afterwards.
        again: bool,
    },
    /// Its memory was returned; only its maker's handle is left.
    Killed,
}

impl RealmState {
    /// The number that the `state` operation answers.
    pub const fn number(self) -> u64 {
        match self {
            Self::Free | Self::Building(_) | Self::New | Self::Releasing { again: true } => 0,
            Self::Running => 1,
            Self::Faulted => 2,
            Self::Ended => 3,
            Self::Releasing { again: false } | Self::Killed => 4,
        }
    }

    /// Whether it may still receive what is sent to it.
    pub const fn is_alive(self) -> bool {
        matches!(self, Self::New | Self::Running)
    }
}

/// One realm.
#[derive(Clone, Copy, Debug)]
pub struct Realm {
    /// Where it is in its life.
    pub state: RealmState,
    /// Realm that made it and hears of its end; 0 for root.
    pub maker: u16,
    /// Index of the admitted image it runs.
    pub program: u16,
    /// What its maker calls it.
    pub tag: u32,
    /// Counts its starts, from 1.
    pub generation: u64,
    /// What a handle to it must carry; changes when the index is used again.
    pub stamp: u32,
    /// Its address space; none while it has no memory.
    pub space: Space,
    /// Its start page, which outlives a reset; none while it has no memory.
    pub start_page: Frame,
    /// Address below which the next window goes.
    pub windows_end: u64,
    /// Clients connected to its exports so far.
    pub clients: u32,
    /// Pages that the Memory it makes may still have.
    pub memory_left: u32,
    /// Pages of that quota that were appended to its linear memories; they return with its space.
    pub linear_pages: u32,
    /// A call that appends to a linear memory and is not done.
    pub appending: Appending,
}

/// How far a call came that appends pages to a linear memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appending {
    /// Pages that are mapped and do not belong to the memory yet.
    pub pages: u32,
    /// Whether they are being taken back, since there are not enough.
    pub undoes: bool,
}

impl Realm {
    /// A free index.
    pub const FREE: Self = Self {
        state: RealmState::Free,
        maker: 0,
        program: 0,
        tag: 0,
        generation: 0,
        stamp: 0,
        space: Space(0),
        start_page: Frame(0),
        windows_end: 0,
        clients: 0,
        memory_left: 0,
        linear_pages: 0,
        appending: Appending { pages: 0, undoes: false },
    };
}
