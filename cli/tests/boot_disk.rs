//! What spaces store on the nanokernel outlives the machine. QEMU must be installed.

mod common;

use common::Place;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// Counts its starts in six digits.
const COUNTER: &str = include_str!("guests/counter.wat");
/// Counts without end, and says each number once it is stored.
const WRITER: &str = include_str!("guests/writer.wat");
/// Stores more than a half of the disk holds, most of it in place of what it stored before.
const REWRITER: &str = include_str!("guests/rewriter.wat");

/// An application of DATA spaces.
fn application(place: &Place, spaces: &[(&str, &str)]) {
    let head = "apiVersion: samoza/v1\nkind: ";
    let names: String = spaces.iter().map(|(name, _)| "    - ".to_owned() + name + "\n").collect();
    let manifest = format!(
        "{head}MEX\nmetadata:\n  name: keeper\n  version: 1.0.0\n  publisher: tests\n  \
         created: 2026-04-30T10:00:00Z\nspec:\n  topology: topology.yaml\n  spaces:\n{names}"
    );
    let rest = "\n    type: DATA\n    capabilities: [data.read, data.write, sys.log]\n    restart:\n      policy: never\n";
    let described: String = spaces.iter().map(|(name, _)| "  - name: ".to_owned() + name + rest).collect();
    let topology = format!("{head}Topology\nmetadata:\n  name: keeper\nspaces:\n{described}");
    for (name, text) in spaces {
        let space = format!("{head}Space\nmetadata:\n  name: {name}\ntype: DATA\npersistence: {{}}\n");
        place.write(&format!("app/spaces/{name}/space.yaml"), space);
        let module = wat::parse_str(text).expect("the module is text");
        place.write(&format!("app/spaces/{name}/core.wasm"), module);
    }
    place.write("app/manifest.yaml", manifest);
    place.write("app/topology.yaml", topology);
}

/// A text without what a space's line begins with.
fn lines<'o>(out: &'o str, space: &str) -> Vec<&'o str> {
    let beginning = format!("{space} | ");
    out.lines().filter_map(|line| line.strip_prefix(&beginning)).collect()
}

/// Boots the application, whose spaces end; what it said.
#[track_caller]
fn boots(place: &Place, options: &[&str]) -> String {
    let mut all = vec!["boot"];
    all.extend(options);
    all.push("app");
    let said = place.call("", &all);
    assert!(said.code == Some(3) && said.err.contains("error[space-failed]"), "{}{}", said.out, said.err);
    said.out + &said.err
}

#[test]
fn values_outlive_the_machine() {
    let place = Place::new();
    application(&place, &[("first", COUNTER), ("second", COUNTER)]);
    let disk = place.path("home/machines/keeper.disk");
    for start in 1..=3 {
        let out = boots(&place, &[]);
        for space in ["first", "second"] {
            assert_eq!(lines(&out, space), [format!("start {start:06}")], "{out}");
        }
        let keys = if start == 1 { 0 } else { 2 };
        assert!(out.contains(&format!("zstore: the disk has {keys} keys\n")), "{out}");
        assert_eq!(out.contains("was made for what spaces store"), start == 1, "{out}");
        assert!(disk.is_file());
    }
    // Another disk, and none: nothing is there, and what was there stays.
    let said = |options: &[&str]| boots(&place, options);
    for options in [&["--disk", "a, b.disk"][..], &["--disk", "none"], &["--machine", "pc"]] {
        assert_eq!(lines(&said(options), "first"), ["start 000001"], "{options:?}");
    }
    assert_eq!(lines(&said(&["--disk", "a, b.disk"]), "second"), ["start 000002"]);
    assert_eq!(lines(&said(&[]), "first"), ["start 000004"]);
    place.call("", &["boot", "--machine", "q35", "--disk", "x", "app"]).refuses(2, "error[no-disk]");
    assert!(!place.path("x").exists());
}

/// Kills the machine while it stores, again and again: whatever was said to be stored is.
#[test]
fn what_was_stored_is_there_after_a_kill() {
    let place = Place::new();
    application(&place, &[("writer", WRITER)]);
    let mut stored = 0;
    for round in 0..4 {
        let mut command = place.command("", &["boot", "--timeout", "5m", "app"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut kept = None;
        for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
            let line = line.expect("it is text");
            let Some(said) = line.strip_prefix("writer | ") else { continue };
            match said.strip_prefix("kept ") {
                Some(number) => kept = number.parse::<u32>().ok(),
                None => stored = said.parse::<u32>().expect("a number"),
            }
            if kept.is_some_and(|kept| stored >= kept + 40 + 7 * round) {
                break;
            }
            if let Some(kept) = kept
                && said.starts_with("kept ")
            {
                assert!(kept >= stored, "{stored} was stored, and {kept} is there");
            }
        }
        assert!(kept.is_some(), "it began");
        child.kill().expect("it runs");
        child.wait().expect("it was started");
        // The machine ends with it, in its own time.
        while is_held(&place.path("home/machines/keeper.disk")) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    assert!(stored > 160, "{stored}");
}

/// What is obsolete makes room: the disk's other half takes what is not.
#[test]
fn a_disk_does_not_fill_with_what_is_obsolete() {
    let place = Place::new();
    application(&place, &[("rewriter", REWRITER), ("counter", COUNTER)]);
    for (start, keys) in [(1, 0), (2, 8)] {
        let out = boots(&place, &["--timeout", "5m"]);
        assert_eq!(lines(&out, "rewriter").len(), 6, "{out}");
        assert!(out.contains(&format!("zstore: the disk has {keys} keys\n")), "{out}");
        assert_eq!(lines(&out, "counter"), [format!("start {start:06}")], "{out}");
    }
    let disk = fs::read(place.path("home/machines/keeper.disk")).expect("it is there");
    // Both halves had their turn: their heads are in the sectors 1 and 2, with the generation.
    let generation =
        |sector: usize| u64::from_le_bytes(disk[sector * 512 + 16..][..8].try_into().expect("eight"));
    assert!(generation(1).max(generation(2)) >= 3, "{} and {}", generation(1), generation(2));
}

/// Whether a process has a file open.
fn is_held(file: &std::path::Path) -> bool {
    let file = file.canonicalize().expect("it is there");
    let processes = fs::read_dir("/proc").expect("there are processes").flatten();
    let mut open = processes.flat_map(|process| {
        fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten().map(|fd| fd.path())
    });
    open.any(|fd| fs::read_link(fd).is_ok_and(|to| to == file))
}

#[test]
fn a_damaged_disk_and_one_in_use_are_refused() {
    let place = Place::new();
    application(&place, &[("counter", COUNTER)]);
    let boot = || place.call("", &["boot", "--disk", "d", "app"]);
    for _ in 0..2 {
        boots(&place, &["--disk", "d"]);
    }
    let whole = fs::read(place.path("d")).expect("it is there");
    // The label, the head of the half in use, the first of two records.
    for (at, said) in [(20, "sector 0"), (530, "sector 1"), (8 * 512 + 30, "sector 8")] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        place.write("d", &bytes);
        let refused = boot();
        assert!(refused.err.contains(said), "{}", refused.err);
        refused.refuses(6, "error[disk-refused]");
        assert!(fs::read(place.path("d")).is_ok_and(|now| now == bytes), "it was changed");
    }
    place.write("d", b"no disk");
    boot().refuses(6, "error[disk-refused]: the disk is refused: it has 7 bytes of the 67108864");
    place.write("d", &whole);
    let file = fs::File::open(place.path("d")).expect("it is there");
    file.lock().expect("nobody has it");
    boot().refuses(5, "error[disk-in-use]");
    drop(file);
    assert!(boots(&place, &["--disk", "d"]).contains("start 000003"));
    place.call("", &["boot", "--disk", "d", "app/spaces/counter/core.wasm"]).refuses(2, "error[no-disk]");
}
