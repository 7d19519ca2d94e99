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
        id: "cargo-missing",
        explanation: "A folder with `Cargo.toml` beside `component.in` holds a component written in Rust, and cargo, \
                      which builds it, could not be started. Install Rust from https://rustup.rs.",
    },
    Entry {
        id: "code-generation",
        explanation: "The program is right, but no machine code could be made of it: it is beyond a limit of the image \
                      format, or the compiler has a defect. Please report it with the sources that cause it.",
    },
    Entry {
        id: "crate-image",
        explanation: "The crate was built, but its image would break a limit of the format: stack, heap, state and \
                      code together are too large. Ask for less `stack` and `heap` in `component.in`, or make the \
                      crate smaller.",
    },
    Entry {
        id: "crate-initialiser",
        explanation: "The crate lists functions that a loader would call before the entry (`.init_array`) or after it. \
                      Nothing here calls them, so the crate would run without what they do. Call them from `start`.",
    },
    Entry {
        id: "crate-object",
        explanation: "What cargo left is not the shared object that an image is made of, or the crate defines no \
                      entry. The entry is `space_guest::component!(YourType);` at the crate's root; linker settings \
                      of the project's own are best removed.",
    },
    Entry {
        id: "crate-refused",
        explanation: "Cargo did not build the crate and has said why. The component is the crate's library; it is \
                      `no_std`, and finds the module `space`, generated from `component.in`, through \
                      `space_guest::component!`.",
    },
    Entry {
        id: "crate-relocation",
        explanation: "The crate's code would have to be changed when it is loaded, and text and constants never are: \
                      that keeps them shared and checked by their hash. Compile everything position-independent; \
                      assembly addresses data relative to `rip`; indirect functions are refused.",
    },
    Entry {
        id: "crate-thread-local",
        explanation: "The crate keeps data for each thread. A component has one thread and no thread-local storage: \
                      keep the data in the component's own value.",
    },
    Entry {
        id: "crate-undefined",
        explanation: "The crate calls functions that neither it nor the kernel has: a C library, or `std`. Nothing is \
                      ambient in a component: what the system offers comes as a capability in `component.in`. Use \
                      crates that are `no_std` and pure Rust, often by `default-features = false`.",
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
