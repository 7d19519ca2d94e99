//! What a guest exports.

/// Name under which a guest exports its memory.
pub const MEMORY_EXPORT: &str = "memory";

/// A function that the host calls. None takes a parameter.
#[derive(Clone, Copy, Debug)]
pub struct LifecycleExport {
    /// Its name.
    pub item: &'static str,
    /// Whether it may answer an i32; below zero says that it failed.
    pub may_answer: bool,
    /// When it is called, one sentence.
    pub summary: &'static str,
}

/// Every such function, in the order in which they are called.
pub const LIFECYCLE: &[LifecycleExport] = &[
    LifecycleExport {
        item: "_initialize",
        may_answer: false,
        summary: "First of all, where it is exported: sets the language's runtime up.",
    },
    LifecycleExport {
        item: "_start",
        may_answer: false,
        summary: "In place of `_initialize`, where a toolchain exports only this; it returns, or exits with 0.",
    },
    LifecycleExport { item: "on_init", may_answer: true, summary: "Once, before any message." },
    LifecycleExport {
        item: "on_process",
        may_answer: true,
        summary: "For each message or event; the guest fetches it with `net.recv_next`.",
    },
    LifecycleExport {
        item: "on_close",
        may_answer: true,
        summary: "Once, when the space is to stop; past its deadline the space is stopped without it.",
    },
];

/// Name in the manifest of the function that computes what is not known before an instance runs.
pub const INSTANTIATE: &str = "space.instantiate";
/// Name in the manifest of the module's start function, which runs after that one.
pub const START_FUNCTION: &str = "space.start";

/// What a guest's manifest exports, in the order in which the instance block has the addresses: the functions that
/// complete an instance, then those of [`LIFECYCLE`]. Each takes nothing and answers nothing, or what `LIFECYCLE` says.
pub const WAYS_IN: &[&str] =
    &[INSTANTIATE, START_FUNCTION, "_initialize", "_start", "on_init", "on_process", "on_close"];

/// The lifecycle function of a name, if there is one.
pub fn lifecycle(item: &str) -> Option<&'static LifecycleExport> {
    LIFECYCLE.iter().find(|export| export.item == item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_in_end_with_the_lifecycle() {
        assert!(LIFECYCLE.iter().map(|export| export.item).eq(WAYS_IN[2..].iter().copied()));
    }
}
