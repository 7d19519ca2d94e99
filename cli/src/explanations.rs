//! What `space explain` knows: the compiler's diagnostics, the contract rules, and the command's own errors.

use sci::contract::RULES;
use sci::status::Fault;

/// Errors that are no diagnostics of a source, by id.
const COMMAND: &[(&str, &str)] = &[
    (
        "bad-image",
        "The compiler made an image that the format's own checks refuse. That is a mistake of the compiler, not of the sources: keep them and report it.",
    ),
    (
        "boot-failed",
        "The system ended with an error of its own, without a component's fault. The console says what happened before; the kernel's reasons are: no bundle, a refused bundle or image, a CPU without the features that isolation rests on, no memory, or components that wait for each other.",
    ),
    (
        "boot-overdue",
        "`space boot` ends when every component that serves nobody has ended. This system did not within the time. A system that is meant to go on is run with `--for <duration>`, which stops it with success; `--timeout <duration>` only waits longer.",
    ),
    (
        "component-ended",
        "The `start` of a component returned an error, so the component ended with that error's number: the place of the variant in the enum behind `!`, from 1. For `Status` the numbers are in `docs/system-calls.md`. Handle the error in `start`, with `or` or `match`, if the component can go on.",
    ),
    (
        "component-fault",
        "A component did what no correct component does: an overflow, an index out of bounds, a division by zero, an access outside its memory, an instruction that it may not use. The kernel stopped it; the others went on. The message names the line. `+%`, `-%` and `*%` wrap instead of stopping; `or` and `?` handle what may fail.",
    ),
    ("folder-exists", "`space new` makes a folder and never writes into one that exists."),
    (
        "key-exposed",
        "A signing key can be read by other users of this machine. Anyone who has it can sign in your name. If nobody copied it, `chmod 600` is enough; otherwise remove it and make a new one.",
    ),
    (
        "key-format",
        "A key file has three lines: `space-key 1`, `kind development` or `kind release`, `seed` and 64 hexadecimal digits. A public key has `space-public-key 1`, the kind, and `key` with 64 digits.",
    ),
    (
        "link-loop",
        "A link below the project leads to a folder that contains it, so the project would have no end.",
    ),
    (
        "no-component",
        "The sources are right, but no file declares a component, so there is nothing to make an image of. A component is a block: `component Hello {` … `}`; its code begins at the function `start`.",
    ),
    (
        "no-project",
        "A project is a folder with `.in` files. Without a name, commands mean the folder they are called in.",
    ),
    (
        "no-sources",
        "A project is a folder with `.in` files, in it or in folders below. Hidden folders, `build` and `target` are not looked at.",
    ),
    (
        "not-formatted",
        "`space fmt --check` found sources that `space fmt` would change. There is one style and no options.",
    ),
    (
        "package-name",
        "A folder with `.in` files is a package, and sources write its name after `import`. So it begins with a lower-case letter and has letters, digits and `-`; `-` stands only before a letter.",
    ),
    (
        "project-too-large",
        "A source file has at most 4 MiB, a project 4096 files and 64 MiB. The limits catch a command in the wrong folder before it reads for minutes.",
    ),
    (
        "qemu-missing",
        "`space boot` runs the system in QEMU. It looks at the variable SPACE_QEMU, then for `qemu-system-x86_64` along the PATH.",
    ),
    (
        "refused",
        "The compiler refused the sources; the messages before say why. Nothing was written: `build/` holds what the last good build left.",
    ),
    (
        "signature",
        "The signature does not fit the bytes: the file was changed after it was signed, or the envelope is another file's.",
    ),
    (
        "test-failed",
        "A `test` block ended by an `assert` that did not hold, or by a fault. Tests run on this machine, without a console or any other capability.",
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
    let faults = Fault::ALL.iter().map(|fault| {
        let text = format!(
            "{}\n\nA fault: why the kernel stopped a component. `space boot` names the line.",
            fault.meaning().trim()
        );
        (fault.name(), text)
    });
    let command = COMMAND.iter().map(|(id, text)| (*id, (*text).to_owned()));
    let mut entries: Vec<_> = source.chain(rules).chain(faults).chain(command).collect();
    entries.sort();
    entries.dedup_by(|a, b| a.0 == b.0);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_stands_once() {
        let entries = all();
        assert!(entries.windows(2).all(|pair| pair[0].0 != pair[1].0));
        assert!(entries.iter().all(|(_, text)| !text.is_empty()));
    }
}
