//! Whole packages: layout, and what is written is what is read.

use crate::sample::{self, Files, SEED, SOURCE, TYPES, archive, borrowed, files, only, refused, sealed};
use sci::guest::SpaceType;
use services_mex::{Package, write_package};

type Case = (&'static str, &'static str, fn(&mut Files));

fn add(files: &mut Files, name: &str, content: &[u8]) {
    files.push((name.to_owned(), content.to_vec()));
}

fn remove(files: &mut Files, beginning: &str) {
    files.retain(|(name, _)| !name.starts_with(beginning));
}

fn change(files: &mut Files, wanted: &str, content: &[u8]) {
    content.clone_into(&mut files.iter_mut().find(|(name, _)| name == wanted).unwrap().1);
}

const LAYOUT: &[Case] = &[
    ("no topology", "layout-topology", |files| remove(files, "topology.yaml")),
    ("a file beside the manifest", "layout-place", |files| add(files, "README.md", b"x")),
    ("a program beside the manifest", "layout-place", |files| add(files, "core.wasm", b"x")),
    ("a folder beside the spaces", "layout-place", |files| add(files, "assets/x.js", b"x")),
    ("a file among the spaces", "layout-place", |files| add(files, "spaces/readme", b"x")),
    ("a file named as the spaces", "layout-place", |files| {
        files.retain(|(name, _)| !name.starts_with("spaces/"));
        add(files, "spaces", b"x");
    }),
    ("a package within", "layout-place", |files| add(files, "META-INF/MANIFEST.MF", b"x")),
    ("a space that is not listed", "layout-unlisted", |files| add(files, "spaces/spy/index.html", b"x")),
    ("a space without files", "layout-absent", |files| remove(files, "spaces/camera/")),
    ("another file of the world", "layout-world", |files| add(files, "world/other.yaml", b"x")),
    ("an archive in place of a module", "layout-nested", |files| {
        change(files, "spaces/store/core.wasm", &archive(SOURCE.as_bytes(), &Vec::new()));
    }),
    ("an archive among the assets", "layout-nested", |files| {
        add(files, "spaces/dashboard/assets/more.zip", b"PK\x03\x04rest");
    }),
    ("an empty archive among the assets", "layout-nested", |files| {
        add(files, "spaces/dashboard/assets/empty", b"PK\x05\x06rest");
    }),
    ("a module that is text", "layout-module", |files| change(files, "spaces/store/core.wasm", b"(module)")),
    ("a module that is a component", "layout-module", |files| {
        change(files, "spaces/store/core.wasm", b"\0asm\x0d\0\x01\0");
    }),
    ("a module that is a program of Linux", "layout-module", |files| {
        change(files, "spaces/store/core.wasm", b"\x7fELF\x02\x01\x01\0");
    }),
    ("a module that is empty", "layout-module", |files| change(files, "spaces/store/core.wasm", b"")),
];

const OF_TYPES: &[Case] = &[
    ("an interface with a module", "layout-forbidden", |files| {
        add(files, "spaces/dashboard/core.wasm", b"\0asm\x01\0\0\0");
    }),
    ("an interface without a page", "layout-required", |files| remove(files, "spaces/dashboard/index.html")),
    ("sensors without a module", "layout-required", |files| remove(files, "spaces/camera/core.wasm")),
    ("sensors without a manifest", "layout-required", |files| remove(files, "spaces/camera/space.yaml")),
    ("sensors with a page", "layout-forbidden", |files| add(files, "spaces/camera/index.html", b"x")),
    ("data without a module", "layout-required", |files| remove(files, "spaces/store/core.wasm")),
    ("data with a page", "layout-forbidden", |files| add(files, "spaces/store/index.html", b"x")),
    ("reasoning without a manifest", "layout-required", |files| remove(files, "spaces/guide/space.yaml")),
    ("reasoning with a page", "layout-forbidden", |files| add(files, "spaces/guide/index.html", b"x")),
    ("a service without a module", "layout-required", |files| remove(files, "spaces/clerk/core.wasm")),
    ("a service with a page", "layout-forbidden", |files| add(files, "spaces/clerk/index.html", b"x")),
];

pub const COUNT: usize = LAYOUT.len() + OF_TYPES.len();

fn packed(change: fn(&mut Files)) -> Vec<u8> {
    let mut files = files();
    change(&mut files);
    archive(sealed(SOURCE, &files).as_bytes(), &files)
}

#[test]
fn hostile_layouts_are_refused_by_their_rule() {
    let mut wrong = Vec::new();
    for (what, rule, change) in LAYOUT {
        let bytes = packed(*change);
        match *what {
            // Without a folder no space has files either.
            "a file named as the spaces" => {
                let refusals = Package::read(&bytes).unwrap_err();
                assert_eq!(refusals.iter().filter(|refusal| refusal.id() == *rule).count(), 1);
            }
            _ => wrong.extend(refused(what, rule, &bytes)),
        }
    }
    sample::none(&wrong);
}

#[test]
fn files_that_a_type_does_not_have_are_refused() {
    let mut wrong = Vec::new();
    for (what, rule, change) in OF_TYPES {
        let bytes = packed(*change);
        let refusals = Package::read(&bytes).unwrap().check_layout(&TYPES).unwrap_err();
        wrong.extend(only(what, rule, &refusals));
    }
    sample::none(&wrong);
}

#[test]
fn spaces_are_those_of_the_topology() {
    let bytes = packed(|_| ());
    let package = Package::read(&bytes).unwrap();
    assert_eq!(package.check_layout(&TYPES), Ok(()));
    let one_less = package.check_layout(&TYPES[1..]).unwrap_err();
    assert_eq!(only("one less", "layout-types", &one_less), None);
    let other = [TYPES.as_slice(), &[("spy", SpaceType::Ui)]].concat();
    assert_eq!(only("one more", "layout-types", &package.check_layout(&other).unwrap_err()), None);
}

#[test]
fn what_is_written_is_read_and_the_same_in_any_order() {
    let mut files = files();
    let first = write_package(SOURCE, &borrowed(&files), Some(&SEED)).unwrap();
    files.reverse();
    assert_eq!(write_package(SOURCE, &borrowed(&files), Some(&SEED)).unwrap(), first);
    let package = Package::read(&first).unwrap();
    assert!(package.is_sealed() && package.check_layout(&TYPES).is_ok());
    for (name, content) in &files {
        assert_eq!(package.archive().entry(name).unwrap().content(), content.as_slice());
    }
}

#[test]
fn what_is_sealed_is_not_sealed_again() {
    let files = files();
    let refusals = write_package(&sealed(SOURCE, &files), &borrowed(&files), None).unwrap_err();
    assert_eq!(refusals[0].id(), "manifest-sealed");
}

#[test]
fn every_broken_rule_is_told() {
    let bytes = packed(|files| {
        add(files, "README.md", b"x");
        change(files, "spaces/store/core.wasm", b"x");
        remove(files, "topology.yaml");
    });
    let refusals = Package::read(&bytes).unwrap_err();
    let ids: Vec<&str> = refusals.iter().map(services_mex::Refusal::id).collect();
    assert_eq!(ids, ["layout-place", "layout-module", "layout-topology"]);
}
