//! The package that the sources describe, from its parts to the last judgement.

use crate::sample::SEED;
use sci::guest::GuestCapability;
use services_mex::{Contents, Package, write_package};
use services_topology::capabilities::Capabilities;
use services_topology::name::Name;
use std::collections::BTreeMap;

const MANIFEST: &str = "\
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
";
const TOPOLOGY: &str = include_str!("../../../topology/tests/samples/my-app.yaml");
const WORLD: &str = include_str!("../../../topology/tests/samples/factory-floor.yaml");
const CAMERA: &str = "\
apiVersion: samoza/v1
kind: Space
metadata: {name: camera}
type: IO
sensors:
  - id: lens
    type: camera
";
const STORE: &str = include_str!("../../../topology/tests/samples/space-store.yaml");
const MODULE: &str = "\0asm\x01\0\0\0";

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("topology.yaml", TOPOLOGY),
        ("world/layout.yaml", WORLD),
        ("spaces/dashboard/index.html", "<!doctype html>"),
        ("spaces/store/core.wasm", MODULE),
        ("spaces/store/space.yaml", STORE),
        ("spaces/camera/core.wasm", MODULE),
        ("spaces/camera/space.yaml", CAMERA),
    ]
}

fn package(files: &[(&str, &str)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    write_package(MANIFEST, &files, Some(&SEED)).unwrap()
}

fn replaced(name: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
    let change = |(known, text): (&'static str, &str)| {
        let text = if known == name { text.replace(from, to) } else { text.to_owned() };
        (known, text)
    };
    files().into_iter().map(change).collect()
}

fn contents(files: &[(&'static str, String)]) -> Result<Contents, Vec<&'static str>> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let bytes = package(&files);
    let read = Contents::read(&Package::read(&bytes).unwrap());
    read.map_err(|violations| violations.iter().map(|violation| violation.rule.id).collect())
}

#[test]
fn the_package_of_the_sources_passes_every_level() {
    let bytes = package(&files());
    let package = Package::read(&bytes).unwrap();
    let contents = Contents::read(&package).unwrap();
    assert_eq!(package.check_layout(&contents.types()), Ok(()));
    let needs = Capabilities::NONE.with(GuestCapability::DataRead).with(GuestCapability::NetRecvNext);
    let needs = BTreeMap::from([(Name::new("store").unwrap(), needs)]);
    assert_eq!(contents.check(&needs, true), []);
    let granted: Vec<&str> = contents.granted().iter().map(|capability| capability.name()).collect();
    let wanted = ["sys.log", "net.emit_to", "net.recv_next", "data.read", "data.write", "sensors.subscribe"];
    assert_eq!(granted, wanted);
}

#[test]
fn a_module_that_needs_more_than_is_granted_is_refused() {
    let contents = contents(&replaced("", "", "")).unwrap();
    let needs = Capabilities::NONE.with(GuestCapability::DataDelete);
    let needs = BTreeMap::from([(Name::new("store").unwrap(), needs)]);
    let violations = contents.check(&needs, true);
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].message.contains("data.delete"), "{}", violations[0]);
}

#[test]
fn texts_that_are_wrong_are_refused_with_their_file() {
    let cases = [
        ("topology.yaml", "type: DATA", "type: TABLE", "unknown-word"),
        ("topology.yaml", "kind: Topology", "kind: MEX", "wrong-kind"),
        ("topology.yaml", "    path: /data", "    mex: other.mex", ""),
        ("world/layout.yaml", "kind: World", "kind: Globe", "wrong-kind"),
        ("spaces/camera/space.yaml", "type: IO", "type: IO\ntype: IO", "yaml-duplicate-key"),
        ("spaces/camera/space.yaml", "lens", "*lens", "yaml-alias"),
    ];
    for (file, from, to, rule) in cases {
        let found = contents(&replaced(file, from, to));
        match found {
            // What is wrong only inside a package is judged with the rest.
            Ok(contents) => {
                let violations = contents.check(&BTreeMap::new(), true);
                assert!(rule.is_empty() && !violations.is_empty(), "{file}: {to}");
            }
            Err(ids) => assert!(ids.contains(&rule), "{file}: {to}: {ids:?}"),
        }
    }
}

#[test]
fn a_space_that_says_to_be_of_another_type_is_refused() {
    let contents = contents(&replaced("topology.yaml", "type: IO", "type: DATA")).unwrap();
    assert!(!contents.check(&BTreeMap::new(), true).is_empty());
}
