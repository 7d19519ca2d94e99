//! A right package, in parts that a test may change.

use sci::digest::sha256;
use sci::guest::SpaceType;
use services_mex::{Package, Refusal, hex, write_archive};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The manifest of the format's reference, with spaces of every type.
pub const SOURCE: &str = "\
# What the package is.
apiVersion: samoza/v1
kind: MEX
metadata:
  name: my-app
  version: 1.2.0
  publisher: samoza-research
  created: 2026-04-30T10:00:00Z
spec:
  topology: topology.yaml
  spaces:
    - dashboard
    - store
    - camera
    - guide
    - clerk
";

pub const TYPES: [(&str, SpaceType); 5] = [
    ("dashboard", SpaceType::Ui),
    ("store", SpaceType::Data),
    ("camera", SpaceType::Io),
    ("guide", SpaceType::Chat),
    ("clerk", SpaceType::Call),
];

pub const SEED: [u8; 32] = [7; 32];

pub type Files = Vec<(String, Vec<u8>)>;

pub fn files() -> Files {
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    let mut files = vec![
        file("topology.yaml", b"kind: Topology\n"),
        file("spaces/dashboard/index.html", b"<!doctype html>"),
        file("spaces/dashboard/assets/app.js", b"export {}"),
        file("world/layout.yaml", b"kind: World\n"),
        file("recognizers/motion/core.wasm", b"\0asm\x01\0\0\0"),
    ];
    for space in ["store", "camera", "guide", "clerk"] {
        files.push((format!("spaces/{space}/core.wasm"), b"\0asm\x01\0\0\0".to_vec()));
        files.push((format!("spaces/{space}/space.yaml"), b"kind: Space\n".to_vec()));
    }
    files
}

pub fn borrowed(files: &Files) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect()
}

/// The manifest with the hashes of files, as a person would write them.
pub fn sealed(source: &str, files: &Files) -> String {
    let mut text = format!("{source}integrity:\n  algorithm: sha256\n  files:\n");
    for (name, content) in files {
        let _ = write!(text, "    - path: {name}\n      hash: {}\n", hex(&sha256(content)));
    }
    text
}

/// The archive of a manifest and files, without a look at what they say.
pub fn archive(manifest: &[u8], files: &Files) -> Vec<u8> {
    let mut files = borrowed(files);
    files.push(("manifest.yaml", manifest));
    write_archive(&files).unwrap()
}

/// Says if a package is not refused by one rule, and by this one.
pub fn refused(what: &str, rule: &str, bytes: &[u8]) -> Option<String> {
    match Package::read(bytes) {
        Ok(_) => Some(format!("{what}: accepted, wanted {rule}")),
        Err(refusals) => only(what, rule, &refusals),
    }
}

/// Says if the rules that refuse are not this one.
pub fn only(what: &str, rule: &str, refusals: &[Refusal]) -> Option<String> {
    let found: BTreeSet<&str> = refusals.iter().map(Refusal::id).collect();
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    (found != BTreeSet::from([rule]))
        .then(|| format!("{what}: wanted {rule}, found\n  {}", texts.join("\n  ")))
}

pub fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
