//! What `space explain` knows: the compiler's diagnostics, the contract rules, and the command's own errors.

use sci::contract::RULES;
use sci::status::Fault;
use services_mex::Rule as PackageRule;
use services_topology::rules::RULES as TOPOLOGY_RULES;
use services_yaml::RULES as TEXT_RULES;

/// Errors that are no diagnostics of a source, by id.
const COMMAND: &[(&str, &str)] = &[
    (
        "agents",
        "What spaces may invoke is described by the topology and `assets/answers.jsonl`, for one guest by the file that `--agents` names, and secrets by `secrets.json` in the folder of the state, which only its owner may read. One of them is wrong. `docs/agents.md` says what is in each.",
    ),
    (
        "already-running",
        "One parent runs a machine's spaces, and an application is brought up once. `space ps` lists what runs; `space topo submit` changes it; `space down` stops it.",
    ),
    (
        "application-name",
        "The name of an application becomes a folder, a topology and a package: lower-case letters, digits and `-`, first a letter, at most 63.",
    ),
    (
        "attack-not-stopped",
        "`space demo attacks` runs spaces that try what they may not. One of them was not stopped by what should have: that is a mistake of `space`, to be reported with its version and this machine's.",
    ),
    (
        "bad-image",
        "The compiler made an image that the format's own checks refuse. That is a mistake of the compiler, not of the sources: keep them and report it.",
    ),
    (
        "bad-link",
        "WebAssembly modules do not fit together: an import names what the other module does not export, or has another type than the export; imports or first values of globals follow from themselves; two modules have one name; or a module would give the host addresses in a memory that is not the image's `memory`. `docs/webassembly.md` says how modules are linked.",
    ),
    (
        "bad-module",
        "A WebAssembly module is damaged, or uses what is not supported. The message names the place in the module, in bytes from its beginning, and the feature; where the tool that made the module is known, it says which of its flags turns the feature off.",
    ),
    (
        "boot-failed",
        "The system ended with an error of its own, without a component's fault. The console says what happened before; the kernel's reasons are: no bundle, a refused bundle or image, a CPU without the features that isolation rests on, no memory, or components that wait for each other.",
    ),
    (
        "boot-io",
        "A file that the run needs could not be written, or QEMU could not be started. The message says what was tried.",
    ),
    (
        "boot-overdue",
        "`space boot` ends when every component that serves nobody has ended. This system did not within the time. A system that is meant to go on is run with `--for <duration>`, which stops it with success; `--timeout <duration>` only waits longer.",
    ),
    (
        "compiler-ended",
        "A module is compiled in a process of its own, which has no file, no network, 300 s of processor time and 4 GiB of memory. It did not come to an end: the message says what ended it. Nothing was written, and the cache is as it was.",
    ),
    (
        "component-ended",
        "The `start` of a component returned an error, so the component ended with that error's number: the place of the variant in the enum behind `!`, from 1. For `Status` the numbers are in `docs/system-calls.md`. Handle the error in `start`, with `or` or `match`, if the component can go on.",
    ),
    (
        "component-fault",
        "A component did what no correct component does: an overflow, an index out of bounds, a division by zero, an access outside its memory, an instruction that it may not use. The kernel stopped it; the others went on. The message names the line. `+%`, `-%` and `*%` wrap instead of stopping; `or` and `?` handle what may fail.",
    ),
    (
        "contract",
        "The image breaks a contract rule. `docs/contract-rules.md` lists the rules; `space explain <rule>` explains one.",
    ),
    (
        "control",
        "The part that decides what runs where refused what was asked, or could not keep it. The message says why. What ran goes on.",
    ),
    (
        "damaged-state",
        "The file in which the parent keeps what is to run is damaged, or of another version. What spaces stored is elsewhere and not touched.",
    ),
    (
        "development-key",
        "The image or bundle is signed by a development key, and what reads it trusts release keys only. Development keys are each user's own and vouch for nothing elsewhere. `space key new <name>` makes a release key, `space sign --key <name>` signs with it.",
    ),
    (
        "devices",
        "The sensors, actuators and sound of this machine are described in `devices.json` in the folder of the state, those of one run in the file that `--devices` names. The description is wrong, or a device of it cannot be reached. `docs/devices.md` says what is in it; without the file the machine has no devices.",
    ),
    (
        "digest",
        "A bundle lists the digest of each image, and this image has another one: the file was changed after the bundle was signed. Build it anew.",
    ),
    (
        "disk-in-use",
        "A disk belongs to one machine at a time. Another `space boot` of the application runs with it: wait until that ends, or name another file with `--disk`.",
    ),
    (
        "disk-refused",
        "What is on the disk is not what was written there: the message names the sector. Nothing was changed. Copy the file back from wherever you keep copies, name another one with `--disk`, or remove it to begin anew.",
    ),
    ("doctor", "`space doctor` found something missing or unusable; each line says what to do."),
    ("folder-exists", "`space new` makes a folder and never writes into one that exists."),
    (
        "format-version",
        "The image was made for another version of the format. Build it anew with the `space` that is to run it.",
    ),
    (
        "guest-host",
        "This machine could not run the guest: there was no memory for it, or the thread could not be prepared. The message has the system's reason.",
    ),
    (
        "guest-memory",
        "The guest's memory begins with more than the run allows. `--memory` sets what a memory may have.",
    ),
    (
        "guest-process",
        "A guest runs in a process of its own, which has no file, no network and no other process. That process ended before the guest did; the message says what ended it. Values that were stored are kept, as after any other end.",
    ),
    (
        "guest-status",
        "The guest ended by itself and said that it failed: by `proc_exit` with another status than 0, or by an answer below 0 from one of its lifecycle functions.",
    ),
    (
        "guest-trap",
        "The guest did what WebAssembly does not allow, such as an access outside its memory, a division by zero, a call through a table that does not fit, or recursion beyond its stack; or it was ended because its time or fuel was over. The message names the function and the place in the module.",
    ),
    (
        "hash",
        "A section's bytes do not have the hash that the image's header names: the file was damaged or changed. Build or fetch it anew.",
    ),
    (
        "import-refused",
        "The guest imports what no host provides, or what it was not granted, so it was not started. `space run` and `space boot` grant `sys.log` and nothing else unless `--grant` names it. `docs/guest-abi.md` lists the functions with their types and capabilities.",
    ),
    ("interrupted", "Ctrl-C or a signal ended the run before the system ended by itself."),
    (
        "io",
        "Reading or writing failed; the message names the file and the system's reason. Nothing that existed before was damaged: files are replaced as a whole or not at all.",
    ),
    ("key-exists", "A key is never overwritten. Choose another name, or move the old key away."),
    (
        "key-exposed",
        "A signing key can be read by other users of this machine. Anyone who has it can sign in your name. If nobody copied it, `chmod 600` is enough; otherwise remove it and make a new one.",
    ),
    (
        "key-format",
        "A key file has three lines: `space-key 1`, `kind development` or `kind release`, `seed` and 64 hexadecimal digits. A public key has `space-public-key 1`, the kind, and `key` with 64 digits.",
    ),
    (
        "key-missing",
        "No key of that name lies in the key folder. `space key list` shows the keys, `space key new <name>` makes one.",
    ),
    (
        "key-name",
        "A key's name is part of a file name: lower-case letters, digits and `-`, first a letter, at most 64.",
    ),
    (
        "limit",
        "A number in the file is beyond the format's limits, which `sci/FORMAT.md` lists, or the file is larger than any image. It was damaged, or it is no image of ours.",
    ),
    (
        "link-loop",
        "A link below the project leads to a folder that contains it, so the project would have no end.",
    ),
    ("machine", "The image holds code for another machine. Build it anew."),
    (
        "machine-reset",
        "The machine reset itself, which the kernel never does: that is a mistake of the kernel. `space boot --trace <file>` records what led to it; please report it.",
    ),
    (
        "manifest",
        "The manifest breaks its one canonical form. The file was damaged, or another tool wrote it.",
    ),
    (
        "name-not-utf8",
        "A source file's name is not UTF-8 or holds control characters, so no message and no image could name it. Rename it.",
    ),
    (
        "no-application",
        "No application of this name was brought up, or it was removed. `space ps` lists those that there are.",
    ),
    (
        "no-child",
        "The process that compiles or runs a guest could not be started. The message has the system's reason: too many processes, no memory, or a kernel without `/proc`.",
    ),
    (
        "no-component",
        "The sources are right, but no file declares a component, so there is nothing to make an image of. A component is a block: `component Hello {` … `}`; its code begins at the function `start`.",
    ),
    (
        "no-desk",
        "The desk, a web server on this machine, could not be started. The message says which step the system refused.",
    ),
    ("no-elf", "The image cannot be written as an ELF file: it has no code, or names that ELF cannot hold."),
    ("no-file", "There is no file of that name. `space build` leaves images and bundles in `build/`."),
    (
        "no-fuel",
        "Fuel was given to an image that does not count it. Counting is compiled in: `space build --fuel` makes such an image, and `space run --fuel` compiles a module so.",
    ),
    (
        "no-guest",
        "A WebAssembly module or an image of one was expected: the file holds the image of a component, or an option that only a guest has a use for was given to a project.",
    ),
    (
        "no-disk",
        "`--disk` names the file in which an application's spaces store what outlives the machine. Only `microvm` has a disk that components drive; the other machines keep values as long as they run.",
    ),
    (
        "no-guests",
        "An application boots for its spaces with modules, and none of its spaces has one: a user interface is shown by the desk, which `space up` starts.",
    ),
    (
        "no-host",
        "No host can take the space: the message counts what kept it from each. `docs/placement.md` has the rules. It is tried again when hosts change, as long as the application is up.",
    ),
    (
        "no-key-home",
        "Keys live in `$SPACE_HOME`, else in the user's data folder; neither `SPACE_HOME` nor `HOME` is set.",
    ),
    (
        "no-package",
        "A package is made of a folder with `topology.yaml`, which says of each space where its files are. `docs/mex.md` says what is in such a folder.",
    ),
    (
        "no-parent",
        "Spaces run below a parent process, which could not be started or does not answer. What it said is in `zhost.log` in the folder of the state.",
    ),
    (
        "no-processes",
        "`space run` of a project makes a process for each component, traced so that none of its system calls is carried out. The system refused one of the steps that the message names: `ptrace(2)` must be allowed, as it is without special settings, and `/proc` be there.",
    ),
    (
        "no-project",
        "A project is a folder with `.in` files. Without a name, commands mean the folder they are called in.",
    ),
    ("no-randomness", "The system gave no random bytes, and a key made without them would protect nothing."),
    (
        "no-sources",
        "A project is a folder with `.in` files, in it or in folders below. Hidden folders, `build` and `target` are not looked at.",
    ),
    ("no-such-path", "The space has no outgoing path of this name. `space graph` lists every path."),
    ("no-such-thing", "The application has no space, path or revision of this name."),
    (
        "no-toolchain",
        "A folder that a topology names under `build:` has no module, or one that is not that of its sources, and what builds it is not installed. The message says what is missing, the help what installs it; `space doctor` lists all of them. A module that is kept beside its sources needs no tools while the file `sums` there fits.",
    ),
    (
        "no-way-in",
        "A guest is entered through what it exports: `_initialize` or `_start`, then `on_init`. The module exports none of these, both of the first two, or one of another type. `docs/guest-abi.md` says which it may have.",
    ),
    (
        "recognizer",
        "A module in the package's `recognizers`, or in this folder beside a file of devices, looks at readings, and has no authority: it imports nothing, and exports `memory`, `room` of type (i32) -> (i32) and `on_reading` of type (i32, i32) -> (i64). On the nanokernel all of them together have 128 KiB at most, and none has a feature that the interpreter lacks. `docs/devices.md` says what they do, under Events.",
    ),
    (
        "not-a-file",
        "A folder, a pipe, a device or a socket stands where a file is needed. Name a regular file or a link to one.",
    ),
    (
        "not-an-image",
        "The file does not begin like an image or a bundle. Images end in `.sci`, bundles in `.bundle`; `space build` makes both.",
    ),
    (
        "not-canonical",
        "Each manifest has exactly one encoding, and this is another. The file was damaged, or another tool wrote it.",
    ),
    (
        "not-formatted",
        "`space fmt --check` found sources that `space fmt` would change. There is one style and no options.",
    ),
    ("not-running", "The space does not run, so there is nothing to end. `space status` says how it is."),
    (
        "not-sent",
        "The message was not taken: the space does not run, or holds as many as it may. The message names the code of the Guest ABI.",
    ),
    ("not-up", "The application was stopped, so nothing of it runs. `space up` brings it up again."),
    ("not-utf8", "Sources are UTF-8 text. The message names the first line that is not."),
    ("nothing-runs", "No parent runs, so no application does. `space up <folder>` starts one."),
    (
        "other-version",
        "The parent that runs is of another version of `space`, which asks and answers differently. Stop what runs with the version that started it, or end the process that `zhost.pid` names; then bring it up again.",
    ),
    ("output", "What the command wanted to print could not be written."),
    (
        "package-link",
        "What a package is made of must be files: a link could lead out of the folder, or around in it, and would be another file elsewhere.",
    ),
    (
        "package-name",
        "A folder with `.in` files is a package, and sources write its name after `import`. So it begins with a lower-case letter and has letters, digits and `-`; `-` stands only before a letter.",
    ),
    (
        "package-of-itself",
        "The package would be written over one that it takes a space from, under `mex:`. The next build would take the space from what this one wrote.",
    ),
    ("package-refused", "The package breaks a rule; the message names it."),
    (
        "package-too-large",
        "A package has at most 4096 files of 64 MiB each, and 256 MiB in all. What a page shows is best made small before it is packed.",
    ),
    ("padding", "Bytes between the image's parts are not zero. The file was damaged or changed."),
    (
        "parent-gone",
        "The parent ended while it was asked. What it had accepted is kept; `space up` starts it again.",
    ),
    (
        "port-taken",
        "The desk is a web server on this machine, and somebody else listens at the port that was asked for. Without `--port` it takes one that is free.",
    ),
    (
        "project-name",
        "The name of a project becomes a folder, a package and a component: lower-case letters, digits and `-`, first a letter, at most 64.",
    ),
    (
        "project-too-large",
        "A source file has at most 4 MiB, a project 4096 files and 64 MiB. The limits catch a command in the wrong folder before it reads for minutes.",
    ),
    (
        "qemu-failed",
        "QEMU did not start or did not go on; the message has its own words. `space doctor` checks what is installed.",
    ),
    (
        "qemu-missing",
        "`space boot` runs the system in QEMU. It looks at the variable SPACE_QEMU, then for `qemu-system-x86_64` along the PATH.",
    ),
    (
        "refused",
        "The compiler refused the sources; the messages before say why. Nothing was written: `build/` holds what the last good build left.",
    ),
    ("refused-image", "The image is refused for a reason that this `space` has no sentence for."),
    ("reserved", "A field that must be zero is not. The file was damaged, or made by a newer `space`."),
    (
        "reserved-package",
        "Packages below `space` are the runtime's own; a folder of that name would take their place. Give it another name.",
    ),
    ("same-file", "The output would replace the input. Name another file."),
    ("signals", "`space` could not arrange to be told of Ctrl-C."),
    (
        "signature",
        "The signature does not fit the bytes: the file was changed after it was signed, or the envelope is another file's.",
    ),
    (
        "space-build",
        "A space's `build.sh` was called because its module was missing or not that of its sources, and it failed. What it said stands above the error.",
    ),
    (
        "space-failed",
        "A space ended with a failure, and was started again as often as its restart policy allows. The message says how it ended last; `space logs` shows what came before, and `space events` each start.",
    ),
    (
        "space-module",
        "A folder that a topology names under `build:` holds the source of one space and its module, the only file there that ends in `.wasm`; `build.sh` makes it where it is missing.",
    ),
    (
        "space-name",
        "The name of a space stands in topologies and packages, and its folder and module are named after it: lower-case letters, digits and `-`, first a letter, at most 63.",
    ),
    (
        "space-package",
        "Under `mex:` a topology names a package with this one space: no other space, no agents, no world, since the topology has these itself. `space mex inspect` lists what is in a package.",
    ),
    (
        "space-source",
        "The code of a space in a topology lies in the package that `mex:` names, in the folder that `build:` names, or in the folder of its name below `spaces/`. `docs/mex.md` says what each holds.",
    ),
    ("still-running", "A space did not end within its deadline and the time after it."),
    (
        "test-failed",
        "A `test` block ended by an `assert` that did not hold, or by a fault. Tests run on this machine, without a console or any other capability.",
    ),
    ("tiling", "The image's parts overlap or leave gaps. The file was damaged, or another tool wrote it."),
    ("too-many-taps", "Of one application 64 paths are looked at at once. End another `space tap` first."),
    (
        "too-many-spaces",
        "Each space on the nanokernel has a channel to the console, which has no more than 64. `space up` runs the application on this host.",
    ),
    (
        "trace-file",
        "`--trace` makes a file. It does not overwrite sources, images or folders, its folder must exist, and QEMU gives `%` in the name a meaning of its own.",
    ),
    ("truncated", "The file ends before the image does. Build or fetch it anew."),
    (
        "unknown-capability",
        "The component uses no capability of that name. `space facts` and `space inspect` list what it has.",
    ),
    (
        "unknown-component",
        "The project has no component of that name. Components are named as their images: `MyApp` is `my-app`.",
    ),
    (
        "unknown-id",
        "There is no diagnostic, error, fault or contract rule of that name. `space explain` lists them all.",
    ),
    (
        "unsigned",
        "An image is signed when it is built. One without a signature was made by another tool, or the signature was cut off. `space sign` signs it with one of your keys.",
    ),
    (
        "untrusted",
        "The signature fits, but none of your keys made it. `space verify --key <file>` trusts the public key in a file, as `space key export` prints it.",
    ),
    (
        "usage",
        "The command line is not one that `space` has. `space --help` lists the commands, `space <command> --help` what each takes.",
    ),
    ("value", "A field has a value that has no meaning. The file was damaged, or another tool wrote it."),
    (
        "values",
        "The file that `--data` names cannot hold a guest's values: it is damaged, another process uses it, or it is no file that `space run --data` made.",
    ),
    ("which-application", "Several applications are up, and the command is about one."),
];

/// Every id with its explanation, ordered by id.
pub fn all() -> Vec<(&'static str, String)> {
    let source = compiler_driver::catalog::entries()
        .into_iter()
        .map(|entry| (entry.id, entry.explanation.trim().to_owned()));
    let rules = RULES.iter().map(|rule| {
        let text = format!("{}: {}\n\nThe compiler, `space check`, `space verify` and the kernel's admission hold every image against this rule.", rule.name, rule.sentence);
        (rule.id, text)
    });
    let packages = PackageRule::ALL.iter().map(|rule| (rule.id(), rule_text(rule.sentence(), rule.remedy())));
    let topologies = TOPOLOGY_RULES.iter().map(|rule| (rule.id, rule_text(rule.sentence, rule.remedy)));
    let texts = TEXT_RULES.iter().map(|rule| (rule.id, rule_text(rule.sentence, rule.remedy)));
    let faults = Fault::ALL.iter().map(|fault| {
        let text = format!(
            "{}\n\nA fault: why the kernel stopped a component. `space boot` names the line.",
            fault.meaning().trim()
        );
        (fault.name(), text)
    });
    let command = COMMAND.iter().map(|(id, text)| (*id, (*text).to_owned()));
    let mut entries: Vec<_> =
        [source.collect::<Vec<_>>(), command.collect(), rules.collect(), faults.collect()]
            .into_iter()
            .chain([packages.collect(), topologies.collect(), texts.collect()])
            .flatten()
            .collect();
    entries.sort();
    entries.dedup_by(|a, b| a.0 == b.0);
    entries
}

/// What a rule of packages, topologies and their texts says.
fn rule_text(sentence: &str, remedy: &str) -> String {
    format!(
        "{sentence}\n\nTo mend it: {remedy}. `docs/mex-rules.md` and `docs/topology-rules.md` list such rules."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// String literals behind a word, across the sources below a folder.
    fn behind(folder: &Path, word: &str, skip: usize, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                behind(&path, word, skip, found);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for part in code.split(word).skip(1) {
                let literal = part.split('"').nth(1).filter(|_| part.find('"').is_some_and(|at| at <= skip));
                found.extend(literal.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_error_of_the_command_is_explained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut ids = BTreeSet::new();
        behind(&root.join("src"), "Failure::new(", 60, &mut ids);
        behind(&root.join("src/commands"), "system(", 1, &mut ids);
        let errors = fs::read_to_string(root.join("../compiler/driver/src/error.rs")).unwrap();
        let names =
            errors.split("pub fn id(").nth(1).and_then(|rest| rest.split("pub fn class(").next()).unwrap();
        ids.extend(names.split("=> \"").skip(1).filter_map(|part| part.split('"').next()).map(str::to_owned));
        let verify = fs::read_to_string(root.join("src/commands/verify.rs")).unwrap();
        ids.extend(verify.split("(\"").skip(1).filter_map(|part| {
            let (id, rest) = part.split_once('"')?;
            rest.starts_with(", ").then(|| id.to_owned())
        }));
        // What follows is a sentence where the id is not written there.
        ids.retain(|id| {
            id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
        });
        assert!(ids.len() > 50, "the sources are read: {ids:?}");
        let known: BTreeSet<&str> = all().iter().map(|(id, _)| *id).collect();
        let missing: Vec<_> = ids.iter().filter(|id| !known.contains(id.as_str())).collect();
        assert!(missing.is_empty(), "without an explanation: {missing:?}");
    }

    #[test]
    fn every_id_stands_once() {
        let entries = all();
        assert!(entries.windows(2).all(|pair| pair[0].0 != pair[1].0));
        assert!(entries.iter().all(|(_, text)| !text.is_empty()));
    }
}
