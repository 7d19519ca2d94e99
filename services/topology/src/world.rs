//! The physical world that an application is for: locations, oriented faces, routes.

use alloc::vec::Vec;

use crate::name::{LocationId, Name};
use crate::place::{Located, Place};

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name.
    pub name: Located<Name>,
    /// Its locations.
    pub locations: Vec<Location>,
    /// Ways between locations.
    pub routes: Vec<Route>,
}

/// A location.
#[derive(Clone, Debug)]
pub struct Location {
    /// Its id, unique in the world.
    pub id: Located<LocationId>,
    /// Where it lies.
    pub bounds: Option<Bounds>,
    /// What one sees there.
    pub faces: Vec<Face>,
}

/// A box, in metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// From west to east.
    pub x: [f64; 2],
    /// From south to north.
    pub y: [f64; 2],
    /// From floor to ceiling.
    pub z: Option<[f64; 2]>,
    /// Where it is written.
    pub place: Place,
}

/// A user interface in a direction.
#[derive(Clone, Debug)]
pub struct Face {
    /// Where one looks.
    pub direction: Located<Direction>,
    /// The UI space that one sees.
    pub ui: Located<Name>,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// North.
    North,
    /// East.
    East,
    /// South.
    South,
    /// West.
    West,
}

impl Direction {
    /// Every direction.
    pub const ALL: &'static [Self] = &[Self::North, Self::East, Self::South, Self::West];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::North => "north",
            Self::East => "east",
            Self::South => "south",
            Self::West => "west",
        }
    }
}

/// A way between two locations, to be gone both ways.
#[derive(Clone, Debug)]
pub struct Route {
    /// One end.
    pub from: Located<LocationId>,
    /// The other.
    pub to: Located<LocationId>,
}
