//! What is accepted here, other readers read alike. They must not find other files or other content.

use crate::forge::{Entry, Forge};
use sci::digest::sha256;
use services_mex::{Archive, hex, write_archive};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

const PYTHON: &str = "
import hashlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    for entry in archive.infolist():
        print(hashlib.sha256(archive.read(entry)).hexdigest(), entry.filename)
";

fn archives() -> Vec<(&'static str, Vec<u8>)> {
    let text = "a line that deflates\n".repeat(500);
    let noise: Vec<u8> = (0..9000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let zeros = vec![0; 100_000];
    let files: [(&str, &[u8]); 6] = [
        ("manifest.yaml", b"kind: MEX\n"),
        ("topology.yaml", text.as_bytes()),
        ("spaces/a+b/x@2.js", &noise),
        ("spaces/a-b/.hidden", b""),
        ("spaces/a-b/zeros", &zeros),
        ("world/layout.yaml", b"kind: World\n"),
    ];
    let mut forged = Forge::right();
    forged.add(Entry::deflated("empty", b""));
    forged.add(Entry::stored("n".repeat(255), b"x"));
    vec![("written", write_archive(&files).unwrap()), ("forged", forged.bytes())]
}

fn ours(bytes: &[u8]) -> BTreeMap<String, String> {
    let archive = Archive::read(bytes).unwrap();
    archive.entries().iter().map(|entry| (entry.name().to_owned(), hex(entry.sha256()))).collect()
}

/// Runs a reader; nothing if this machine has none.
fn run(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    match Command::new(program).args(arguments).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("SKIPPED: `{program}` is not there, so it was not compared");
            None
        }
        output => {
            let output = output.unwrap();
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
    }
}

fn compare(read: impl Fn(&Path) -> Option<BTreeMap<String, String>>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in archives() {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        if let Some(found) = read(&path) {
            assert_eq!(found, ours(&bytes), "{name}");
        }
    }
}

#[test]
fn python_reads_the_same() {
    compare(|path| {
        let output = run("python3", &["-c", PYTHON, &path.to_string_lossy()])?;
        let lines = String::from_utf8(output).unwrap();
        let pairs = lines.lines().map(|line| line.split_once(' ').unwrap());
        Some(pairs.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect())
    });
}

#[test]
fn bsdtar_reads_the_same() {
    compare(|path| {
        let path = path.to_string_lossy();
        let names = String::from_utf8(run("bsdtar", &["-tf", &path])?).unwrap();
        let content = |name: &str| run("bsdtar", &["-xOf", &path, name]);
        names.lines().map(|name| Some((name.to_owned(), hex(&sha256(&content(name)?))))).collect()
    });
}
