//! Sets of capabilities, and which a type of space may hold.

use alloc::string::String;
use core::fmt::Write as _;

use sci::guest::{FUNCTIONS, GuestCapability, MODULES, SpaceType};

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u64);

/// What a UI space may hold; the desk's broker enforces it.
const UI: &[GuestCapability] = &[
    GuestCapability::SysLog,
    GuestCapability::NetEmitTo,
    GuestCapability::NetRecvNext,
    GuestCapability::EventsSubscribe,
];

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);

    /// With one more.
    #[must_use]
    pub const fn with(self, capability: GuestCapability) -> Self {
        Self(self.0 | capability.bit())
    }

    /// Those of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other set has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether one is among them.
    pub const fn has(self, capability: GuestCapability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit each, by number.
    pub const fn mask(self) -> u64 {
        self.0
    }

    /// Each, by number.
    pub fn iter(self) -> impl Iterator<Item = GuestCapability> {
        GuestCapability::ALL.iter().copied().filter(move |capability| self.has(*capability))
    }

    /// The names, for people.
    pub fn names(self) -> String {
        let mut names = String::new();
        for capability in self.iter() {
            let _ = write!(names, "{}`{}`", if names.is_empty() { "" } else { ", " }, capability.name());
        }
        names
    }

    /// What spaces of a type may hold: what the functions that they may import need. The extensions belong to no
    /// function of the table and to every WebAssembly space.
    pub fn of_type(kind: SpaceType) -> Self {
        if kind == SpaceType::Ui {
            return UI.iter().copied().collect();
        }
        let may_import =
            |module: &str| MODULES.iter().any(|known| known.name == module && known.types.contains(&kind));
        let functions = FUNCTIONS.iter().filter(|function| may_import(function.module));
        let extensions = GuestCapability::ALL.iter().filter(|capability| capability.is_extension());
        functions.flat_map(|function| function.capabilities).chain(extensions).copied().collect()
    }
}

impl FromIterator<GuestCapability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = GuestCapability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::Capabilities;
    use alloc::vec::Vec;
    use sci::guest::GuestCapability::{self as C};
    use sci::guest::SpaceType::{self, Call, Chat, Data, Io, Ui};

    #[test]
    fn types_have_the_capabilities_of_their_modules() {
        let of = |kind| Capabilities::of_type(kind);
        let holders = |capability| {
            SpaceType::ALL.iter().copied().filter(|kind| of(*kind).has(capability)).collect::<Vec<_>>()
        };
        assert_eq!(holders(C::SysLog), [Ui, Io, Data, Chat, Call]);
        assert_eq!(holders(C::SysSleep), [Io, Data, Chat, Call]);
        assert_eq!(holders(C::DataWrite), [Data]);
        assert_eq!(holders(C::SensorsRead), [Io]);
        assert_eq!(holders(C::AgentInvokeDf), [Chat, Call]);
        assert_eq!(holders(C::IcStore), [Chat]);
        assert_eq!(holders(C::EventsSubscribe), [Ui, Io, Call]);
        assert_eq!(holders(C::NodeInfo), [Io, Data, Chat, Call]);
        assert_eq!(holders(C::Clock), [Io, Data, Chat, Call]);
        let all = SpaceType::ALL.iter().fold(Capabilities::NONE, |all, kind| all.union(of(*kind)));
        assert_eq!(all.iter().count(), C::ALL.len(), "each capability has a type");
    }

    #[test]
    fn sets_name_what_they_hold() {
        let set: Capabilities = [C::DataRead, C::SysLog].into_iter().collect();
        assert_eq!(set.names(), "`sys.log`, `data.read`");
        assert_eq!(set.without(Capabilities::NONE.with(C::SysLog)).names(), "`data.read`");
        assert_eq!(Capabilities::NONE.names(), "");
    }
}
