//! Who may depend on whom, read from the manifests.

use tests_tidy::{manifests, none};

/// Each package's folder and the packages of ours that it may depend on. A new package is a new line here, with
/// a reason in its commit.
const LAYERS: &[(&str, &[&str])] = &[
    // The format is the bottom: everyone meets there.
    ("sci", &[]),
    // The front end knows no target: the tree knows nothing, MIR knows places, checking knows the vocabulary.
    ("compiler/syntax", &[]),
    ("compiler/mir", &["compiler-syntax", "sci"]),
    ("compiler/check", &["compiler-mir", "compiler-syntax", "sci"]),
    // Where the front ends meet.
    ("compiler/core", &["compiler-mir", "compiler-syntax", "sci"]),
    // A stranger's code comes in, and joins the rest at Core IR.
    ("compiler/wasm", &["compiler-core", "compiler-syntax", "sci"]),
    // Several modules become one before they come in: a module like any other.
    ("compiler/merge", &["compiler-wasm", "sci"]),
    // From here on the target is Space.
    ("compiler/codegen", &["compiler-core", "compiler-mir", "compiler-syntax", "sci"]),
    (
        "compiler/link",
        &[
            "compiler-check",
            "compiler-codegen",
            "compiler-core",
            "compiler-mir",
            "compiler-syntax",
            "compiler-wasm",
            "sci",
        ],
    ),
    (
        "compiler/driver",
        &[
            "compiler-check",
            "compiler-codegen",
            "compiler-core",
            "compiler-link",
            "compiler-merge",
            "compiler-mir",
            "compiler-syntax",
            "compiler-wasm",
            "runtime-sandbox",
            "sci",
        ],
    ),
    // The kernel never sees the compiler.
    ("nanokernel/core", &["sci"]),
    ("nanokernel/x86_64", &["nanokernel-core", "sci"]),
    // What boots is built by the compiler, and read by the host with the kernel's own table of exits.
    ("boot", &["compiler-driver", "compiler-syntax", "nanokernel-core", "runtime-machine", "sci"]),
    (
        "cli",
        &[
            "boot",
            "compiler-driver",
            "compiler-syntax",
            "runtime-sandbox",
            "sci",
            "services-mex",
            "services-store",
            "services-store-component",
            "services-topology",
            "services-yaml",
            "services-zdesk",
            "services-zhost",
            "services-zmesh-component",
            "services-zrms",
            "services-zrms-component",
            "services-zrun",
            // The cases of the Guest ABI, which it runs on both hosts.
            "tests-abi",
        ],
    ),
    // It goes into components, which nothing of ours is part of; its numbers are generated from the format's tables.
    ("runtime/guest/rust", &[]),
    // A guest's library: the core of what serves spaces, in the guest's realm.
    ("runtime/guest/shim", &["runtime-guest-rust", "sci", "services-zrun"]),
    // Children without authority: they know nothing of what they do.
    ("runtime/sandbox", &[]),
    // The kernel's core over processes: another machine below the same decisions.
    ("runtime/machine", &["nanokernel-core", "sci"]),
    // The host runs what the format says, and knows no compiler.
    ("runtime/host", &["sci"]),
    // Packages are read from memory and written to memory; what they say is judged by whom it concerns.
    ("services/mex", &["sci", "services-topology", "services-yaml"]),
    // A strict text format knows nothing of what is written in it.
    ("services/yaml", &[]),
    // What an application is, for everyone who places, runs, packages or shows it; reading text is a feature.
    ("services/topology", &["sci", "services-yaml"]),
    // The desk shows what it is told, and knows nothing of what runs.
    ("services/zdesk", &[]),
    // Messages need no guest: who they are from is all that matters.
    ("services/zmesh", &["sci"]),
    // It carries bytes, and reads none of them.
    ("services/zdesk/component", &["runtime-guest-rust", "services-zrun"]),
    ("services/zmesh/component", &["runtime-guest-rust", "sci", "services-zmesh", "services-zrun"]),
    // Values on a disk are keys and bytes: whose they are is all that matters.
    ("services/store", &["sci"]),
    ("services/store/component", &["runtime-guest-rust", "sci", "services-store", "services-zrun"]),
    // Services are cores over the format, and shells over the runtime.
    ("services/zrms", &["sci"]),
    ("services/zrms/component", &["runtime-guest-rust", "sci", "services-zrms", "services-zrun"]),
    // The parent of a machine's spaces joins what knows nothing of each other.
    (
        "services/zhost",
        &[
            "sci",
            "services-topology",
            "services-zdesk",
            "services-zdesk-component",
            "services-zmesh",
            "services-zmesh-component",
            "services-zrms",
            "services-zrun",
        ],
    ),
    // Agents are what topologies say they are.
    ("services/zrun", &["runtime-host", "runtime-sandbox", "sci", "services-topology"]),
    // The same code, with memory for modules that recognize.
    ("services/zrun/alone", &["runtime-guest-rust", "sci", "services-zrun"]),
    ("services/zrun/component", &["runtime-guest-rust", "sci", "services-zrun"]),
    ("xtask", &[]),
];

#[test]
fn packages_depend_downwards_only() {
    let manifests = manifests();
    let ours: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut wrong = Vec::new();
    for manifest in manifests.iter().filter(|manifest| !manifest.folder.starts_with("tests/")) {
        let Some((_, allowed)) = LAYERS.iter().find(|(folder, _)| *folder == manifest.folder) else {
            wrong.push(format!("{}: not in the table of layers", manifest.folder));
            continue;
        };
        for (section, name) in &manifest.dependencies {
            if ours.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {section} must not name {name}", manifest.folder));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_layer_exists() {
    let manifests = manifests();
    let gone =
        LAYERS.iter().filter(|(folder, _)| manifests.iter().all(|manifest| manifest.folder != *folder));
    none(&gone.map(|(folder, _)| format!("{folder}: in the table, but not in the tree")).collect::<Vec<_>>());
}

#[test]
fn the_kernel_and_the_tasks_have_no_foreign_dependencies() {
    let manifests = manifests();
    let ours: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut wrong = Vec::new();
    for manifest in &manifests {
        if manifest.folder.starts_with("nanokernel/") || manifest.folder == "xtask" {
            let foreign = manifest.dependencies.iter().filter(|(_, name)| !ours.contains(&name.as_str()));
            wrong.extend(foreign.map(|(_, name)| format!("{}: {name}", manifest.folder)));
        }
    }
    none(&wrong);
}

#[test]
fn packages_are_named_after_their_path() {
    let wrong = manifests().into_iter().filter(|manifest| manifest.name != manifest.folder.replace('/', "-"));
    none(&wrong.map(|manifest| format!("{}: named {}", manifest.folder, manifest.name)).collect::<Vec<_>>());
}

#[test]
fn packages_inherit_what_is_common() {
    const LINES: [&str; 7] = [
        "version.workspace = true",
        "edition.workspace = true",
        "rust-version.workspace = true",
        "license.workspace = true",
        "publish.workspace = true",
        "[lints]",
        "workspace = true",
    ];
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let missing = LINES.iter().filter(|wanted| manifest.text.lines().all(|line| line.trim() != **wanted));
        wrong.extend(missing.map(|line| format!("{}: `{line}` is missing", manifest.folder)));
    }
    none(&wrong);
}
