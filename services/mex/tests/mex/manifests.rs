//! Hostile manifests, each with the rule that refuses it.

use crate::sample::{self, SOURCE, archive, files, refused, sealed};
use services_mex::{Manifest, Moment, Package};

type Case = (&'static str, &'static str, fn(&str) -> String);

const TEXT: &[Case] = &[
    ("nothing", "manifest-newline", |_| String::new()),
    ("a comment only", "yaml-empty", |_| "# nothing\n".to_owned()),
    ("a byte order mark", "manifest-characters", |text| format!("\u{feff}{text}")),
    ("a byte order mark within", "manifest-characters", |text| text.replace("my-app", "my-\u{feff}app")),
    ("lines that end as on Windows", "manifest-characters", |text| text.replace('\n', "\r\n")),
    ("a carriage return that hides a line", "manifest-characters", |text| {
        format!("# x\rkind: Other\n{text}")
    }),
    ("a tab", "manifest-characters", |text| text.replace("kind: MEX", "kind:\tMEX")),
    ("a zero byte", "manifest-characters", |text| text.replace("my-app", "my\0app")),
    ("a line end of YAML 1.1", "manifest-characters", |text| format!("# x\u{85}kind: Other\n{text}")),
    ("a line separator", "manifest-characters", |text| format!("# x\u{2028}kind: Other\n{text}")),
    ("no newline at the end", "manifest-newline", |text| text.trim_end().to_owned()),
    ("a beginning of a document", "manifest-column", |text| format!("---\n{text}")),
    ("an end of a document", "manifest-column", |text| format!("{text}...\n")),
    ("a second document", "manifest-column", |text| format!("{text}---\n{text}")),
    ("a directive", "manifest-column", |text| format!("%YAML 1.1\n{text}")),
    ("a key in quotes", "manifest-column", |text| text.replace("kind:", "\"kind\":")),
    ("a signature in quotes", "manifest-column", |text| format!("{text}\"signature\": x\n")),
    ("an explicit key", "manifest-column", |text| format!("{text}? signature\n: x\n")),
    ("braces", "manifest-column", |_| "{apiVersion: samoza/v1, kind: MEX}\n".to_owned()),
    ("a list", "manifest-column", |_| "- apiVersion: samoza/v1\n".to_owned()),
    ("an anchor at the beginning", "manifest-column", |text| format!("&x\n{text}")),
    ("a merge key", "manifest-column", |text| format!("<<: x\n{text}")),
    ("a value that goes on at the beginning of a line", "manifest-column", |text| {
        text.replace("kind: MEX", "kind: \"ME\nX\"")
    }),
    ("a key without its blank", "manifest-column", |text| text.replace("kind: MEX", "kind:MEX")),
    ("a block of text", "manifest-multi-line", |text| format!("{text}x-note: |\n  signature:\n  more\n")),
    ("a folded text", "manifest-multi-line", |text| format!("{text}x-note: >-\n  one\n  two\n")),
    ("a plain text over two lines", "manifest-multi-line", |text| format!("{text}x-note: one\n  two\n")),
    ("a quoted text over two lines", "manifest-multi-line", |text| format!("{text}x-note: \"one\n  two\"\n")),
    ("an alias bomb", "yaml-anchor", |text| {
        format!("{text}x-a: &a [1, 1]\nx-b: &b [*a, *a]\nx-c: [*b, *b]\n")
    }),
    ("an alias", "yaml-alias", |text| format!("{text}x-a: *a\n")),
    ("a tag", "yaml-tag", |text| text.replace("kind: MEX", "kind: !!str MEX")),
    ("a tag that makes an object", "yaml-tag", |text| {
        format!("{text}x-a: !!python/object/apply:os.system [ls]\n")
    }),
    ("a merge key within", "yaml-merge-key", |text| text.replace("  name:", "  <<: x\n  name:")),
    ("a key twice", "yaml-duplicate-key", |text| text.replace("kind: MEX", "kind: MEX\nkind: MEX")),
    ("a key twice within", "yaml-duplicate-key", |text| text.replace("  name:", "  name: other\n  name:")),
    ("a boolean of YAML 1.1", "yaml-ambiguous-word", |text| text.replace("my-app", "on")),
    ("too deep", "yaml-too-deep", |text| format!("{text}x-a: {}{}\n", "[".repeat(33), "]".repeat(33))),
    ("deeper than a stack", "yaml-too-deep", |text| format!("{text}x-a: {}\n", "[".repeat(30_000))),
    ("a text of 100,000 letters", "yaml-too-long", |text| {
        format!("{text}x-a: \"{}\"\n", "x".repeat(100_000))
    }),
    ("no YAML", "yaml-syntax", |text| format!("{text}x-a: ]\n")),
];

const CONTENT: &[Case] = &[
    ("an unknown key", "unknown-key", |text| format!("{text}capabilities: []\n")),
    ("an unknown key of the metadata", "unknown-key", |text| text.replace("  name:", "  owner: me\n  name:")),
    ("a signature that is indented", "yaml-syntax", |text| {
        format!("{text} signature:\n  algorithm: ed25519\n")
    }),
    ("a signature among the metadata", "unknown-key", |text| {
        text.replace("  name:", "  signature: x\n  name:")
    }),
    ("spaces that are built", "unknown-key", |text| text.replace("spec:", "spec:\n  build: .")),
    ("another version of the format", "unknown-word", |text| text.replace("samoza/v1", "samoza/v2")),
    ("another kind", "unknown-word", |text| text.replace("kind: MEX", "kind: Topology")),
    ("no kind", "missing-key", |text| text.replace("kind: MEX\n", "")),
    ("no metadata but a name", "missing-key", |text| {
        text.replace("  version: 1.2.0\n  publisher: samoza-research\n  created: 2026-04-30T10:00:00Z\n", "")
    }),
    ("metadata that are a list", "wrong-type", |_| {
        "apiVersion: samoza/v1\nkind: MEX\nmetadata: []\nspec:\n  topology: topology.yaml\n  spaces: [a]\n"
            .to_owned()
    }),
    ("a name with capitals", "manifest-name", |text| text.replace("my-app", "My-App")),
    ("a name with a way up", "manifest-name", |text| text.replace("my-app", "../app")),
    ("a name of 64 letters", "manifest-name", |text| text.replace("my-app", &"a".repeat(64))),
    ("a publisher with a blank", "manifest-name", |text| text.replace("samoza-research", "samoza research")),
    ("a publisher in Cyrillic", "manifest-name", |text| {
        text.replace("samoza-research", "s\u{430}moza-research")
    }),
    ("a version of two numbers", "wrong-type", |text| text.replace("1.2.0", "1.2")),
    ("a version that says v", "manifest-version", |text| text.replace("1.2.0", "v1.2.0")),
    ("a version with leading zeros", "manifest-version", |text| text.replace("1.2.0", "1.02.0")),
    ("a version beyond 64 bits", "manifest-version", |text| {
        text.replace("1.2.0", "1.2.18446744073709551616")
    }),
    ("a time without zone", "manifest-time", |text| text.replace("10:00:00Z", "10:00:00")),
    ("a day that is none", "manifest-time", |text| text.replace("2026-04-30", "2026-04-31")),
    ("a topology elsewhere", "unknown-word", |text| {
        text.replace("topology: topology.yaml", "topology: ../t.yaml")
    }),
    ("no spaces", "manifest-no-spaces", |_| {
        SOURCE.split("    - ").next().unwrap().replace("spaces:", "spaces: []")
    }),
    ("a space twice", "manifest-space-twice", |text| {
        text.replace("    - store\n", "    - store\n    - store\n")
    }),
    ("a space with a slash", "manifest-name", |text| text.replace("- store", "- store/x")),
    ("a space that is a number", "wrong-type", |text| text.replace("- store", "- 7")),
];

const INTEGRITY: &[Case] = &[
    ("another algorithm", "unknown-word", |text| text.replace("sha256", "sha1")),
    ("an algorithm in capitals", "unknown-word", |text| text.replace("sha256", "SHA256")),
    ("no algorithm", "missing-key", |text| text.replace("  algorithm: sha256\n", "")),
    ("integrity that is nothing", "wrong-type", |_| format!("{SOURCE}integrity:\n")),
    ("a hash in capitals", "integrity-hash", |text| change_hash(text, str::to_uppercase)),
    ("a hash cut short", "integrity-hash", |text| change_hash(text, |hash| hash[..63].to_owned())),
    ("a hash with a digit more", "integrity-hash", |text| change_hash(text, |hash| format!("{hash}0"))),
    ("a hash with its algorithm", "integrity-hash", |text| {
        change_hash(text, |hash| format!("sha256-{hash}"))
    }),
    ("a hash that is a list", "wrong-type", |text| change_hash(text, |hash| format!("[{hash}]"))),
    ("a wrong hash", "integrity-content", |text| change_hash(text, |_| "0".repeat(64))),
    ("no files", "integrity-unlisted", |_| format!("{SOURCE}integrity:\n  algorithm: sha256\n  files: []\n")),
    ("a file twice", "integrity-twice", |text| format!("{text}{}", entry("topology.yaml", &"0".repeat(64)))),
    ("a file that is absent", "integrity-absent", |text| {
        format!("{text}{}", entry("absent", &"0".repeat(64)))
    }),
    ("a file elsewhere", "integrity-absent", |text| format!("{text}{}", entry("../../x", &"0".repeat(64)))),
    ("the manifest", "integrity-itself", |text| format!("{text}{}", entry("manifest.yaml", &"0".repeat(64)))),
    ("a file without its hash", "missing-key", |text| format!("{text}    - path: x\n")),
    ("a file with a size", "unknown-key", |text| format!("{text}      size: 3\n")),
    ("a file that is not listed", "integrity-unlisted", |text| {
        let from = text.find("    - path: world").unwrap();
        let to = from + text[from + 1..].find("    - path").unwrap() + 1;
        format!("{}{}", &text[..from], &text[to..])
    }),
];

fn entry(path: &str, hash: &str) -> String {
    format!("    - path: {path}\n      hash: {hash}\n")
}

fn change_hash(text: &str, change: impl Fn(&str) -> String) -> String {
    let at = text.find("hash: ").unwrap() + 6;
    format!("{}{}{}", &text[..at], change(&text[at..at + 64]), &text[at + 64..])
}

pub const COUNT: usize = TEXT.len() + CONTENT.len() + INTEGRITY.len();

/// The hostile manifests that a reader can judge without the package's files.
pub fn all() -> Vec<String> {
    let right = sealed(SOURCE, &files());
    [TEXT, CONTENT].into_iter().flatten().map(|(_, _, change)| change(&right)).collect()
}

#[test]
fn hostile_manifests_are_refused_by_their_rule() {
    let right = sealed(SOURCE, &files());
    let wrong = [TEXT, CONTENT, INTEGRITY].into_iter().flatten().filter_map(|(what, rule, change)| {
        let changed = change(&right);
        assert_ne!(changed, right, "{what}: nothing was changed");
        refused(what, rule, &archive(changed.as_bytes(), &files()))
    });
    sample::none(&wrong.collect::<Vec<_>>());
}

#[test]
fn text_that_is_not_utf_8_is_refused_with_its_line() {
    let bytes = archive(b"apiVersion: samoza/v1\nkind: \xff\n", &files());
    let refusals = Package::read(&bytes).unwrap_err();
    assert_eq!(
        refusals[0].to_string().split("; ").next(),
        Some("manifest.yaml:2:1: the line is not UTF-8 [manifest-characters]")
    );
}

#[test]
fn a_manifest_is_read() {
    let manifest = Manifest::read(sealed(SOURCE, &files()).as_bytes()).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.publisher.as_str()), ("my-app", "samoza-research"));
    assert_eq!(manifest.version, semver::Version::new(1, 2, 0));
    assert_eq!(manifest.created, Moment::parse("2026-04-30T10:00:00Z").unwrap());
    assert_eq!(manifest.spaces, ["dashboard", "store", "camera", "guide", "clerk"]);
    assert_eq!(manifest.integrity.unwrap().len(), files().len());
}

#[test]
fn what_is_just_allowed_is_accepted() {
    let right = sealed(SOURCE, &files());
    let accepted = |text: &str| Package::read(&archive(text.as_bytes(), &files())).is_ok();
    assert!(accepted(&right));
    assert!(accepted(SOURCE), "unsealed");
    assert!(accepted(&format!("{right}x-note: [1, {{two: yes-or-no}}] # signature:\n\n")));
    assert!(accepted(&format!("{right}#signature: none\n")));
    let quoted: Vec<String> = right
        .lines()
        .map(|line| match line.split_once("hash: ") {
            Some((indent, hash)) => format!("{indent}hash: \"{hash}\"\n"),
            None => format!("{line}\n"),
        })
        .collect();
    assert!(accepted(&quoted.concat()));
}

#[test]
fn a_hash_of_digits_is_text() {
    let text = SOURCE.to_owned()
        + "integrity:\n  algorithm: sha256\n  files:\n"
        + &entry("topology.yaml", &"1".repeat(64))
        + &entry("other", &format!("{}e{}", "1".repeat(31), "2".repeat(32)));
    let manifest = Manifest::read(text.as_bytes()).unwrap();
    assert_eq!(manifest.integrity.unwrap()[0].hash, "1".repeat(64));
}
