//! Why systems are refused.

/// Why a system cannot be linked. Names are instances and capabilities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An image does not verify.
    #[error("the image of `{name}` is refused: {error}")]
    Image {
        /// The component.
        name: String,
        /// Why.
        error: sci::error::Error,
    },
    /// There is no root.
    #[error("there is no `root` to link with")]
    NoRoot,
    /// An OS component that the system needs is missing.
    #[error("there is no `{name}` to link with")]
    NoComponent {
        /// Its name.
        name: &'static str,
    },
    /// A component has no parameter that it is given a value of.
    #[error("`{component}` has no parameter `{parameter}`")]
    NoParameter {
        /// The component.
        component: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// Nothing exports what a capability needs.
    #[error("nothing provides `{client}.{capability}`, a {interface}")]
    MissingProvider {
        /// The client's instance.
        client: String,
        /// The capability.
        capability: String,
        /// What it needs.
        interface: String,
    },
    /// Several export what a capability needs.
    #[error("`{client}.{capability}` has several providers: {providers}")]
    SeveralProviders {
        /// The client's instance.
        client: String,
        /// The capability.
        capability: String,
        /// Their names.
        providers: String,
    },
    /// Calls would go round in a circle.
    #[error("`{instance}` calls itself through others, so no priority order exists")]
    CallCycle {
        /// An instance of the cycle.
        instance: String,
    },
    /// A call would go to a priority that is not higher.
    #[error("`{client}` at priority {low} calls `{server}` at priority {high}, which must be higher")]
    PriorityOrder {
        /// The caller.
        client: String,
        /// Its priority.
        low: u8,
        /// The callee.
        server: String,
        /// Its priority.
        high: u8,
    },
    /// A server has more clients than a start page holds.
    #[error("`{server}` has more than {limit} clients")]
    TooManyClients {
        /// The server.
        server: String,
        /// The limit.
        limit: u32,
    },
}
