//! What a guest is run in.

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
}
