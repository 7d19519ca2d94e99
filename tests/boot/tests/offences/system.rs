//! Whole systems: the examples, the console under load, every machine.

use std::fs;
use std::path::{Path, PathBuf};

use boot::Machine;
use nanokernel_core::exit::Exit;
use tests_boot::run::{boot, boot_on};
use tests_boot::system::{System, compile};

/// Bytes of one line of the flood, its end included.
const LINE: usize = 100;
/// Lines of the flood.
const LINES: usize = 1000;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// An example's sources: a file in a folder of its own is that folder's package.
fn example(name: &str) -> System {
    let folder = examples().join(name);
    let mut sources = Vec::new();
    let read = |path: &Path| fs::read_to_string(path).expect("an example can be read");
    for entry in fs::read_dir(&folder).expect("an example is a folder") {
        let path = entry.expect("an entry can be read").path();
        let stem = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "in") {
            sources.push(("system".to_owned(), read(&path)));
        } else if path.is_dir() && path.join(format!("{stem}.in")).is_file() {
            sources.push((stem.clone(), read(&path.join(format!("{stem}.in")))));
        }
    }
    sources.sort();
    let packages: Vec<(&str, &str)> =
        sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    compile(&packages)
}

/// An example without a line here is not tested, so there must be none. Those with a topology are packages: the tests
/// of the command have them.
#[test]
fn every_example_is_booted() {
    let mut names: Vec<String> = fs::read_dir(examples())
        .expect("the examples are there")
        .map(|entry| entry.expect("an entry can be read"))
        .filter(|entry| entry.path().is_dir() && !entry.path().join("topology.yaml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["boot-check", "hello", "multicomponent", "offender"]);
}

#[test]
fn hello_on_every_machine() {
    let module = example("hello").module();
    for machine in Machine::ALL {
        boot_on(machine, &module).says("hello from ring 3").exits(Exit::Root(0));
    }
}

#[test]
fn multicomponent_on_every_machine() {
    let module = example("multicomponent").module();
    for machine in Machine::ALL {
        let outcome = boot_on(machine, &module);
        outcome.says("client: 100000 calls, the sum is 4999950000").exits(Exit::Root(0));
    }
}

#[test]
fn offender_on_every_machine() {
    let module = example("offender").module();
    for machine in Machine::ALL {
        let outcome = boot_on(machine, &module);
        outcome.says("overflow: counting too far").says("peer: still here, the sum is 499500");
        assert!(!outcome.console.contains("never"), "{}", outcome.console);
        outcome.only("Overflow");
        outcome.exits(Exit::Root(1));
    }
}

/// 100 kB in lines that are all different, so that a lost, doubled or moved byte shows.
#[test]
fn a_flood_of_text_arrives_byte_for_byte() {
    let source = format!(
        "component Flood {{\n  capability console: DebugConsole(write)\n}}\n\nfn start() {{\n  \
         for i in 0..{LINES} {{\n    console.write(\"line {{u32(i) + 100000}} {}\\n\")\n  }}\n  console.write(\"end\\n\")\n}}\n",
        "0123456789".repeat(9).get(..LINE - 13).expect("the line is long enough")
    );
    let outcome = boot(&compile(&[("system", &source)]).module());
    outcome.exits(Exit::Root(0));
    let tail = "0123456789".repeat(9);
    let lines = (0..LINES).map(|number| format!("line {} {}\n", number + 100_000, &tail[..LINE - 13]));
    let mut expected: String = lines.collect();
    assert_eq!(expected.len(), LINE * LINES);
    expected.push_str("end\n");
    let console = outcome.console.replace('\r', "");
    let start = console.find("line 100000").expect("the flood began");
    let end = console.find("\nend\n").expect("the flood ended") + 5;
    assert!(console[start..end] == expected, "every byte arrived, in order");
}
