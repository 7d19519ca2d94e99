//! What a guest is run in.

use sci::guest::Function;

/// Who serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// A process of Linux.
    Linux,
    /// A component on the nanokernel.
    Nanokernel,
}

/// Where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Who serves it.
    pub host: Host,
    /// Whether it is one of several spaces of a topology.
    pub is_together: bool,
}

/// What is not served where: modules, or functions by name. There, each answers `unsupported`.
const LACKS: &[(Setting, &[&str])] = &[
    (Setting::new(Host::Nanokernel, false), &["events.register_recognizer"]),
    (Setting::new(Host::Nanokernel, true), &["events.register_recognizer"]),
];

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 4] = [
        Self::new(Host::Linux, false),
        Self::new(Host::Linux, true),
        Self::new(Host::Nanokernel, false),
        Self::new(Host::Nanokernel, true),
    ];

    /// One of them.
    pub const fn new(host: Host, is_together: bool) -> Self {
        Self { host, is_together }
    }

    /// Whether this host serves a function.
    pub fn serves(self, function: &Function) -> bool {
        let lacks = LACKS.iter().filter(|(setting, _)| *setting == self).flat_map(|(_, lacks)| *lacks);
        let name = crate::common::name(function);
        !lacks.into_iter().any(|lack| *lack == function.module || *lack == name)
    }
}
