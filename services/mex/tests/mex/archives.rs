//! Hostile archives, each with the rule that refuses it.

use crate::forge::{Entry, Forge};
use services_mex::{Archive, limits};
use std::collections::BTreeSet;

type Case = (&'static str, &'static str, fn(&mut Forge));

/// The index of the page, which is deflated, in [`Forge::right`].
const PAGE: usize = 1;
const LAST: usize = 2;

const RECORDS: &[Case] = &[
    ("bytes before the first entry", "bytes-before-first", |zip| {
        zip.entries[0].before = b"#!/bin/sh\n".to_vec();
    }),
    ("a program before the first entry, offsets not moved", "directory-place", |zip| {
        zip.entries[0].before = vec![0x90; 64];
        let bytes = zip.bytes();
        let directory = u32::from_le_bytes(bytes[bytes.len() - 6..][..4].try_into().unwrap());
        zip.directory = Some(directory - 64);
    }),
    ("a gap between two entries", "gap", |zip| zip.entries[PAGE].before = vec![0; 16]),
    ("an entry of its own in the gap", "gap", |zip| {
        let mut hidden = Entry::stored("hidden", b"nobody lists it");
        hidden.in_directory = false;
        zip.entries.insert(1, hidden);
    }),
    ("a data descriptor after the data, without its flag", "gap", |zip| {
        zip.entries[PAGE].after = [b"PK\x07\x08".as_slice(), &[0; 12]].concat();
    }),
    ("a gap before the directory", "gap", |zip| zip.before_directory = vec![0; 7]),
    ("a signing block before the directory", "gap", |zip| {
        zip.before_directory = [&[0; 24], b"APK Sig Block 42".as_slice()].concat();
    }),
    ("a local entry that the directory leaves out, last", "gap", |zip| {
        zip.entries[LAST].in_directory = false;
    }),
    ("a local entry that the directory leaves out, in the middle", "gap", |zip| {
        zip.entries[PAGE].in_directory = false;
    }),
    ("a manifest that the directory leaves out", "manifest-missing", |zip| {
        zip.entries[0].in_directory = false;
    }),
    ("a directory without entries over entries", "manifest-missing", |zip| {
        zip.entries.iter_mut().for_each(|entry| entry.in_directory = false);
    }),
    ("an entry of the directory without a local one", "local-header", |zip| {
        zip.entries[LAST].in_file = false;
    }),
    ("an entry of the directory without a local one, in the middle", "headers-differ", |zip| {
        zip.entries[PAGE].in_file = false;
    }),
    ("two entries of the directory for one local entry", "overlap", |zip| {
        let mut twin = zip.entries[PAGE].clone();
        twin.in_file = false;
        twin.central.name = b"spaces/dashboard/twin.html".to_vec();
        twin.offset = Some(53);
        zip.entries.insert(2, twin);
    }),
    ("an entry that begins in the data of another", "overlap", |zip| zip.entries[LAST].offset = Some(60)),
    ("an entry whose data quotes the next one's header", "gap", |zip| {
        zip.entries[PAGE].both(|fields| fields.packed -= 4);
    }),
    ("data that reach over the next entry", "overlap", |zip| {
        zip.entries[0].both(|fields| {
            fields.packed += 40;
            fields.size += 40;
        });
    }),
    ("data that reach into the directory", "local-header", |zip| {
        zip.entries[LAST].both(|fields| {
            fields.packed += 40;
            fields.size += 40;
        });
    }),
    ("bytes between the directory and the end record", "directory-place", |zip| zip.before_end = vec![0; 5]),
    ("bytes between the directory and the end record, counted", "directory-size", |zip| {
        zip.before_end = vec![0; 5];
        let bytes = zip.bytes();
        let length = u32::from_le_bytes(bytes[bytes.len() - 10..][..4].try_into().unwrap());
        zip.directory_bytes = Some(length + 5);
    }),
    ("a directory that is said to be elsewhere", "directory-place", |zip| zip.directory = Some(3)),
    ("a directory beyond the end", "directory-place", |zip| zip.directory = Some(0x7fff_ffff)),
    ("a directory that is said to be shorter", "directory-place", |zip| zip.directory_bytes = Some(46)),
    ("a directory that begins inside an entry, length adjusted", "directory-entry", |zip| {
        let bytes = zip.bytes();
        zip.directory = Some(10);
        zip.directory_bytes = Some(bytes.len() as u32 - 22 - 10);
    }),
    ("more entries stated than there are", "entry-count", |zip| zip.counts = Some([4; 2])),
    ("fewer entries stated than there are", "entry-count", |zip| zip.counts = Some([2; 2])),
    ("counts that disagree", "entry-count", |zip| zip.counts = Some([3, 2])),
    ("more entries than allowed", "too-many-entries", |zip| zip.counts = Some([4097; 2])),
    ("two disks", "several-disks", |zip| zip.disks = [1, 0]),
    ("a directory on another disk", "several-disks", |zip| zip.disks = [0, 1]),
    ("an entry on another disk", "several-disks", |zip| zip.entries[PAGE].disk = 1),
    ("bytes after the end record", "bytes-after-end", |zip| zip.after = b"trailing".to_vec()),
    ("another archive after the end record", "directory-place", |zip| zip.after = zip.bytes()),
    ("a comment", "archive-comment", |zip| zip.comment = b"built today".to_vec()),
    ("an empty end record in the comment", "manifest-missing", |zip| {
        let mut inner = Forge::of(Vec::new());
        inner.directory = Some(zip.bytes().len() as u32);
        zip.comment = inner.bytes();
    }),
    ("an end record in the comment that points to the same directory", "directory-place", |zip| {
        let bytes = zip.bytes();
        zip.comment = bytes[bytes.len() - 22..].to_vec();
    }),
    ("a count of ZIP64", "zip64", |zip| zip.counts = Some([u16::MAX; 2])),
    ("a directory of ZIP64", "zip64", |zip| zip.directory = Some(u32::MAX)),
    ("a locator of ZIP64", "zip64", |zip| zip.before_end = [b"PK\x06\x07".as_slice(), &[0; 16]].concat()),
    ("a size of ZIP64", "zip64", |zip| zip.entries[PAGE].both(|fields| fields.size = u32::MAX)),
    ("an extra field of ZIP64", "extra-field", |zip| {
        zip.entries[PAGE].both(|fields| fields.extra = [&[1, 0, 16, 0], [0; 16].as_slice()].concat());
    }),
    ("a name in Unicode as an extra field", "extra-field", |zip| {
        zip.entries[PAGE].both(|fields| fields.extra = b"\x75\x70\x06\x00\x01\0\0\0\0x".to_vec());
    }),
    ("an extra field in the directory only", "extra-field", |zip| {
        zip.entries[0].central.extra = vec![9, 9, 0, 0];
    }),
    ("an extra field in the local header only", "headers-differ", |zip| {
        zip.entries[0].local.extra = vec![9, 9, 0, 0];
    }),
    ("a comment of an entry", "entry-comment", |zip| zip.entries[PAGE].comment = b"note".to_vec()),
    ("an entry that reaches beyond the directory", "directory-entry", |zip| {
        zip.entries[LAST].central.name_bytes = Some(500);
    }),
];

const FIELDS: &[Case] = &[
    ("an encrypted entry", "encrypted", |zip| zip.entries[PAGE].both(|fields| fields.flags = 1)),
    ("a strongly encrypted entry", "encrypted", |zip| zip.entries[PAGE].both(|fields| fields.flags = 0x40)),
    ("an encrypted directory", "encrypted", |zip| zip.entries[PAGE].both(|fields| fields.flags = 0x2000)),
    ("a data descriptor", "data-descriptor", |zip| {
        zip.entries[PAGE].both(|fields| fields.flags = 8);
        zip.entries[PAGE].after = [b"PK\x07\x08".as_slice(), &[0; 12]].concat();
    }),
    ("a data descriptor that only the local header admits", "headers-differ", |zip| {
        zip.entries[PAGE].local.flags = 8;
    }),
    ("a name said to be UTF-8", "flags", |zip| zip.entries[PAGE].both(|fields| fields.flags = 0x800)),
    ("a patch", "flags", |zip| zip.entries[PAGE].both(|fields| fields.flags = 0x20)),
    ("method: shrunk", "method", |zip| zip.entries[PAGE].both(|fields| fields.method = 1)),
    ("method: deflate64", "method", |zip| zip.entries[PAGE].both(|fields| fields.method = 9)),
    ("method: zstd", "method", |zip| zip.entries[PAGE].both(|fields| fields.method = 93)),
    ("method: encrypted by AES", "method", |zip| zip.entries[PAGE].both(|fields| fields.method = 99)),
    ("a method that the headers disagree about", "headers-differ", |zip| zip.entries[PAGE].local.method = 0),
    ("a name that the headers disagree about", "headers-differ", |zip| {
        zip.entries[PAGE].local.name = b"spaces/dashboard/index.htm_".to_vec();
    }),
    ("a length of the name that the headers disagree about", "headers-differ", |zip| {
        zip.entries[PAGE].local.name = b"spaces/dashboard/other.html.js".to_vec();
    }),
    ("a size that the headers disagree about", "headers-differ", |zip| zip.entries[PAGE].local.size = 1),
    ("a packed size that the headers disagree about", "headers-differ", |zip| {
        zip.entries[PAGE].local.packed = 1;
    }),
    ("a checksum that the headers disagree about", "headers-differ", |zip| zip.entries[PAGE].local.crc = 0),
    ("a time that the headers disagree about", "headers-differ", |zip| zip.entries[PAGE].local.time = 1),
    ("a time", "entry-time", |zip| zip.entries[0].both(|fields| fields.time = 0x6000)),
    ("a date", "entry-time", |zip| zip.entries[0].both(|fields| fields.date = 0x5c9e)),
    ("a needed version of ZIP64", "entry-version", |zip| zip.entries[0].both(|fields| fields.version = 45)),
    ("an entry made on Unix", "entry-version", |zip| zip.entries[0].made_by = 0x031e),
    ("a symbolic link", "entry-attributes", |zip| {
        zip.entries[PAGE].made_by = 0x031e;
        zip.entries[PAGE].external = 0o120_777 << 16;
    }),
    ("a character device", "entry-attributes", |zip| zip.entries[PAGE].external = 0o020_666 << 16),
    ("a block device", "entry-attributes", |zip| zip.entries[PAGE].external = 0o060_666 << 16),
    ("a FIFO", "entry-attributes", |zip| zip.entries[PAGE].external = 0o010_666 << 16),
    ("a socket", "entry-attributes", |zip| zip.entries[PAGE].external = 0o140_666 << 16),
    ("a program that runs as its owner", "entry-attributes", |zip| {
        zip.entries[PAGE].external = 0o104_755 << 16;
    }),
    ("a folder by attribute", "entry-attributes", |zip| zip.entries[PAGE].external = 0x10),
    ("text by attribute", "entry-attributes", |zip| zip.entries[PAGE].internal = 1),
];

const NAMES: &[Case] = &[
    ("a duplicate of the manifest", "name-duplicate", |zip| {
        zip.entries.insert(1, Entry::stored("manifest.yaml", b"kind: Other\n"));
    }),
    ("a duplicate of a file", "name-duplicate", |zip| zip.add(Entry::stored("topology.yaml", b"other\n"))),
    ("a manifest in other case", "name-case", |zip| zip.add(Entry::stored("Manifest.yaml", b"other\n"))),
    ("a page in other case", "name-case", |zip| {
        zip.add(Entry::stored("spaces/dashboard/Index.html", b"other"));
    }),
    ("a folder in other case", "name-case", |zip| {
        zip.add(Entry::stored("spaces/Dashboard/app.js", b"other"));
    }),
    ("a composed and a decomposed letter", "name-characters", |zip| {
        zip.add(Entry::stored("spaces/caf\u{e9}", b"1"));
        zip.add(Entry::stored("spaces/cafe\u{301}", b"2"));
    }),
    ("a file that is a folder, too", "name-file-and-folder", |zip| {
        zip.add(Entry::stored("spaces/dashboard", b"x"));
    }),
    ("a folder that is a file, too", "name-file-and-folder", |zip| {
        zip.add(Entry::stored("topology.yaml/x", b"x"));
    }),
    ("an entry for a folder", "name-directory", |zip| zip.add(Entry::stored("world/", b""))),
    ("an entry for a folder, with content", "name-directory", |zip| zip.add(Entry::stored("world/", b"x"))),
    ("a way up", "name-segment", |zip| zip.add(Entry::stored("../escape", b"x"))),
    ("a way up in the middle", "name-segment", |zip| zip.add(Entry::stored("spaces/../../escape", b"x"))),
    ("a way up at the end", "name-segment", |zip| zip.add(Entry::stored("spaces/..", b"x"))),
    ("the same place", "name-segment", |zip| zip.add(Entry::stored("./topology", b"x"))),
    ("an empty segment", "name-segment", |zip| zip.add(Entry::stored("spaces//x", b"x"))),
    ("two slashes at the end", "name-segment", |zip| zip.add(Entry::stored("world//", b""))),
    ("no name", "name-empty", |zip| zip.entries[PAGE].rename("")),
    ("an absolute name", "name-absolute", |zip| zip.add(Entry::stored("/etc/passwd", b"x"))),
    ("a network name", "name-absolute", |zip| zip.add(Entry::stored("//host/share", b"x"))),
    ("a way up with backslashes", "name-characters", |zip| zip.add(Entry::stored("..\\escape", b"x"))),
    ("a drive", "name-characters", |zip| zip.add(Entry::stored("C:/x", b"x"))),
    ("a stream of a file", "name-characters", |zip| zip.add(Entry::stored("topology.yaml:evil", b"x"))),
    ("a zero byte", "name-characters", |zip| zip.add(Entry::stored("core.wasm\0.txt", b"x"))),
    ("a newline", "name-characters", |zip| zip.add(Entry::stored("a\nb", b"x"))),
    ("an escape sequence", "name-characters", |zip| zip.add(Entry::stored("\x1b[2J", b"x"))),
    ("a blank at the end", "name-characters", |zip| zip.add(Entry::stored("topology.yaml ", b"x"))),
    ("invalid UTF-8", "name-characters", |zip| zip.add(Entry::stored(b"a\xff\xfe", b"x"))),
    ("an overlong slash", "name-characters", |zip| zip.add(Entry::stored(b"..\xc0\xafx", b"x"))),
    ("letters from right to left", "name-characters", |zip| zip.add(Entry::stored("a\u{202e}txt.exe", b"x"))),
    ("a device", "name-reserved", |zip| zip.add(Entry::stored("CON", b"x"))),
    ("a device with an ending", "name-reserved", |zip| zip.add(Entry::stored("spaces/nul.txt", b"x"))),
    ("a port", "name-reserved", |zip| zip.add(Entry::stored("spaces/com1.log/x", b"x"))),
    ("a dot at the end", "name-reserved", |zip| zip.add(Entry::stored("topology.yaml.", b"x"))),
    ("three dots", "name-reserved", |zip| zip.add(Entry::stored("spaces/.../x", b"x"))),
    ("a name of 256 bytes", "name-too-long", |zip| zip.add(Entry::stored("n".repeat(256), b"x"))),
    ("a name of nine segments", "name-too-deep", |zip| zip.add(Entry::stored("a/b/c/d/e/f/g/h/i", b"x"))),
    ("no manifest", "manifest-missing", |zip| {
        zip.entries.remove(0);
    }),
    ("the manifest in a folder", "manifest-missing", |zip| zip.entries[0].rename("app/manifest.yaml")),
    ("the manifest last", "order", |zip| zip.entries.rotate_left(1)),
    ("two files in the wrong order", "order", |zip| zip.entries.swap(1, 2)),
];

const CONTENT: &[Case] = &[
    ("a wrong checksum, stored", "checksum", |zip| zip.entries[LAST].both(|fields| fields.crc ^= 1)),
    ("a wrong checksum, deflated", "checksum", |zip| zip.entries[PAGE].both(|fields| fields.crc ^= 1)),
    ("a changed byte of content", "checksum", |zip| zip.entries[LAST].data[0] ^= 0x20),
    ("a stored file that says to be shorter", "stored-size", |zip| {
        zip.entries[0].both(|fields| fields.size -= 1);
    }),
    ("a deflated file that says to be shorter", "inflated-size", |zip| {
        zip.entries[PAGE].both(|fields| fields.size -= 1);
    }),
    ("a deflated file that says to be longer", "inflated-size", |zip| {
        zip.entries[PAGE].both(|fields| fields.size += 1);
    }),
    ("bytes after the deflate stream", "inflated-size", |zip| {
        zip.entries[PAGE].data.extend([0; 3]);
        zip.entries[PAGE].both(|fields| fields.packed += 3);
    }),
    ("a deflate stream that is cut off", "deflate-stream", |zip| {
        zip.entries[PAGE].data.pop();
        zip.entries[PAGE].both(|fields| fields.packed -= 1);
    }),
    ("a deflate stream of a reserved kind", "deflate-stream", |zip| zip.entries[PAGE].data[0] |= 6),
    ("an empty deflate stream", "deflate-stream", |zip| {
        zip.entries[PAGE].data.clear();
        zip.entries[PAGE].both(|fields| {
            fields.packed = 0;
            fields.size = 0;
            fields.crc = 0;
        });
    }),
    ("a stream in the format of zlib", "deflate-stream", |zip| {
        zip.entries[PAGE].data.splice(0..0, [0x78, 0x9c]);
        zip.entries[PAGE].both(|fields| fields.packed += 2);
    }),
    ("a bomb", "ratio", |zip| zip.add(Entry::deflated("zeros", &vec![0; 1 << 20]))),
    ("a bomb that says to be small", "inflated-size", |zip| {
        let mut bomb = Entry::deflated("zeros", &vec![0; 1 << 20]);
        bomb.both(|fields| fields.size = 4096);
        zip.add(bomb);
    }),
    ("noise that says to be 60 MiB", "deflate-stream", |zip| {
        let mut large = Entry::stored("large", &vec![0; 700 << 10]);
        large.both(|fields| {
            fields.method = 8;
            fields.size = 60 << 20;
        });
        zip.add(large);
    }),
    ("a bomb in the manifest", "manifest-too-large", |zip| {
        zip.entries[0] = Entry::deflated("manifest.yaml", &vec![b'#'; (1 << 20) + 1]);
    }),
    ("a file that says to be too large", "file-too-large", |zip| {
        zip.entries[PAGE].both(|fields| fields.size = 64 * 1024 * 1024 + 1);
    }),
    ("files that say to be too large together", "total-too-large", |zip| {
        for index in 0..5 {
            let mut large = Entry::stored(format!("large-{index}"), b"x");
            large.both(|fields| {
                fields.method = 8;
                fields.packed = 1 << 20;
                fields.size = 60 << 20;
            });
            zip.add(large);
        }
    }),
];

/// Bytes that are not made from [`Forge::right`].
type Whole = (&'static str, &'static str, fn() -> Vec<u8>);

const BYTES: &[Whole] = &[
    ("nothing", "end-record-missing", Vec::new),
    ("21 bytes", "end-record-missing", || vec![0; 21]),
    ("text", "end-record-missing", || b"this is no archive, and long enough to be one".to_vec()),
    ("an archive without its last byte", "end-record-missing", || {
        let mut bytes = Forge::right().bytes();
        bytes.pop();
        bytes
    }),
    ("the first half of an archive", "end-record-missing", || {
        let bytes = Forge::right().bytes();
        bytes[..bytes.len() / 2].to_vec()
    }),
    ("an end record that states a comment and has none", "archive-comment", || {
        let mut bytes = Forge::right().bytes();
        let at = bytes.len() - 2;
        bytes[at] = 40;
        bytes
    }),
    ("an archive without entries", "manifest-missing", || Forge::of(Vec::new()).bytes()),
    ("two archives, one after the other", "directory-place", || Forge::right().bytes().repeat(2)),
    ("4,097 files", "too-many-entries", || {
        let mut zip = Forge::right();
        zip.entries.extend((0..4094).map(|index| Entry::stored(format!("x/{index:04}"), b"")));
        zip.bytes()
    }),
];

pub const COUNT: usize = RECORDS.len() + FIELDS.len() + NAMES.len() + CONTENT.len() + BYTES.len();

fn refused(what: &str, rule: &str, bytes: &[u8]) -> Option<String> {
    match Archive::read(bytes) {
        Ok(_) => Some(format!("{what}: accepted, wanted {rule}")),
        Err(refusal) if refusal.id() == rule => None,
        Err(refusal) => Some(format!("{what}: wanted {rule}, found {refusal}")),
    }
}

#[test]
fn what_they_are_made_from_is_accepted() {
    let bytes = Forge::right().bytes();
    let archive = Archive::read(&bytes).unwrap();
    let names: Vec<&str> = archive.entries().iter().map(services_mex::Entry::name).collect();
    assert_eq!(names, ["manifest.yaml", "spaces/dashboard/index.html", "topology.yaml"]);
    assert_eq!(archive.entry("topology.yaml").unwrap().content(), b"kind: Topology\n".as_slice());
}

#[test]
fn hostile_archives_are_refused_by_their_rule() {
    let mut wrong = Vec::new();
    let cases: Vec<&Case> = [RECORDS, FIELDS, NAMES, CONTENT].into_iter().flatten().collect();
    for (what, rule, forge) in &cases {
        let mut zip = Forge::right();
        forge(&mut zip);
        wrong.extend(refused(what, rule, &zip.bytes()));
    }
    wrong.extend(BYTES.iter().filter_map(|(what, rule, bytes)| refused(what, rule, &bytes())));
    let all: Vec<&str> = cases.iter().map(|case| case.0).chain(BYTES.iter().map(|case| case.0)).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a case occurs twice");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// The reader's memory is bounded, whatever an archive says: all of the above fits into an address space of 128 MiB,
/// the process itself included.
#[test]
fn hostile_archives_are_refused_in_little_memory() {
    const LIMITED: &str = "ulimit -v 131072 && exec \"$0\" --exact \"$1\" --test-threads=1";
    let program = std::env::current_exe().unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", LIMITED]).arg(program).arg("archives::hostile_archives_are_refused_by_their_rule");
    let output = shell.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{}{text}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn an_archive_beyond_the_limit_is_refused_unread() {
    let bytes = vec![0; limits::ARCHIVE_BYTES_MAX as usize + 1];
    assert_eq!(refused("zeros", "archive-too-large", &bytes), None);
}

#[test]
fn what_is_just_allowed_is_accepted() {
    type Near = (&'static str, fn(&mut Forge));
    let just: [Near; 7] = [
        ("a name of 255 bytes", |zip| zip.add(Entry::stored("n".repeat(255), b"x"))),
        ("eight segments", |zip| zip.add(Entry::stored("a/b/c/d/e/f/g/h", b"x"))),
        ("names that begin alike", |zip| zip.add(Entry::stored("spaces/dashboard.txt", b"x"))),
        ("hidden files, and dots within", |zip| zip.add(Entry::stored("spaces/.well..known", b"x"))),
        ("nearly a device", |zip| zip.add(Entry::stored("spaces/com10/console", b"x"))),
        ("an empty file", |zip| zip.add(Entry::stored("empty", b""))),
        ("an empty file, deflated", |zip| zip.add(Entry::deflated("empty", b""))),
    ];
    for (what, forge) in just {
        let mut zip = Forge::right();
        forge(&mut zip);
        assert!(Archive::read(&zip.bytes()).is_ok(), "{what}");
    }
    let mut zip = Forge::right();
    zip.entries.extend((0..4093).map(|index| Entry::stored(format!("x/{index:04}"), b"")));
    zip.sort();
    let bytes = zip.bytes();
    assert_eq!(Archive::read(&bytes).unwrap().entries().len(), limits::ENTRIES_MAX);
}
