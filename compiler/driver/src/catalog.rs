//! Explanations of every diagnostic that a compilation may give.

use compiler_syntax::diagnostic::Entry;

/// What the pipeline itself reports, in alphabetical order.
const PIPELINE: &[Entry] = &[
    Entry {
        id: "call-cycle",
        explanation: "Calls go only to strictly higher priority, so that no component ever waits for one that waits \
                      for it. These components call each other in a circle, for which no priorities exist. Let the \
                      lower side pull: it calls a method that the other answers when there is work.",
    },
    Entry {
        id: "code-generation",
        explanation: "The program is right, but no machine code could be made of it: it is beyond a limit of the image \
                      format, or the compiler has a defect. Please report it with the sources that cause it.",
    },
    Entry {
        id: "duplicate-component",
        explanation: "Images are named after components: `MyApp` becomes `my-app.sci`. Two components of the project \
                      would get one name, and messages could not tell them apart. Give one of them another name.",
    },
    Entry {
        id: "missing-provider",
        explanation: "A component requires an interface that no component of the system exports. Add one that does, or \
                      write a `system` block that grants a kernel object.",
    },
    Entry {
        id: "priority-order",
        explanation: "A component calls one whose priority is not higher than its own. The kernel would refuse every \
                      such call, so the link refuses the system. Raise the server's priority in the `system` block, \
                      or leave both out: the link then finds priorities that fit.",
    },
    Entry {
        id: "several-providers",
        explanation: "More than one component exports the interface that this one requires. A `connect` line in the \
                      `system` block names the one that is meant.",
    },
    Entry {
        id: "system-link",
        explanation: "An image that the compiler made or brought along is not one that a system can be linked from. \
                      This is a defect of the compiler: please report it.",
    },
    Entry {
        id: "too-many-clients",
        explanation: "A component serves at most 64 clients, each with a window of its own. Run a second instance of \
                      the server and connect some of the clients to it.",
    },
];

/// Every entry, ordered by id.
pub fn entries() -> Vec<&'static Entry> {
    let mut entries: Vec<&Entry> =
        compiler_syntax::CATALOG.iter().chain(compiler_check::CATALOG).chain(PIPELINE).collect();
    entries.sort_by_key(|entry| entry.id);
    entries.dedup_by_key(|entry| entry.id);
    entries
}
