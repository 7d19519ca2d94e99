//! What the writer writes, and that it is the same whatever the order of its input.

use sci::digest::sha256;
use services_mex::{Archive, hex, write_archive};

type File<'a> = (&'a str, &'a [u8]);

const FILES: &[File<'_>] = &[
    ("topology.yaml", b"kind: Topology\n"),
    ("spaces/store/core.wasm", b"\0asm\x01\0\0\0"),
    ("manifest.yaml", b"kind: MEX\n"),
    ("spaces/a+b/x@2.js", b"repeat repeat repeat repeat repeat repeat repeat repeat"),
    ("empty", b""),
];

#[test]
fn the_order_of_the_input_does_not_matter() {
    let first = write_archive(FILES).unwrap();
    let mut files = FILES.to_vec();
    for turn in 0..files.len() {
        files.rotate_left(1);
        files.swap(0, turn % 3);
        assert_eq!(write_archive(&files).unwrap(), first);
    }
}

#[test]
fn what_is_written_is_read() {
    let zeros = vec![0; 200_000];
    let noise: Vec<u8> = (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut files = FILES.to_vec();
    files.extend([("zeros", zeros.as_slice()), ("noise", noise.as_slice())]);
    let bytes = write_archive(&files).unwrap();
    let archive = Archive::read(&bytes).unwrap();
    assert_eq!(archive.entries().len(), files.len());
    for (name, content) in &files {
        let entry = archive.entry(name).unwrap();
        assert_eq!((entry.content().as_ref(), entry.size()), (*content, content.len() as u64), "{name}");
    }
    let is_deflated = |name: &str| archive.entry(name).unwrap().is_deflated();
    assert!(is_deflated("spaces/a+b/x@2.js"));
    // What shrinks more than a hundred times would be refused as a bomb.
    assert!(!is_deflated("zeros") && !is_deflated("empty"));
}

#[test]
fn the_bytes_are_stated() {
    let bytes = write_archive(FILES).unwrap();
    let hash = hex(&sha256(&bytes));
    // Another deflater or another form is another archive: a change that is announced.
    assert_eq!(hash, "f520439e4a7a7cd9a612c961c6233ae08fc9322167d6bf79e8a688a4b70ecc23");
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let large = vec![b'#'; 1024 * 1024 + 1];
    let cases: [(&[File<'_>], &str); 6] = [
        (&[("topology.yaml", b"")], "manifest-missing"),
        (&[("manifest.yaml", b""), ("../x", b"")], "name-segment"),
        (&[("manifest.yaml", b""), ("a", b""), ("a", b"")], "name-duplicate"),
        (&[("manifest.yaml", b""), ("a", b""), ("A", b"")], "name-case"),
        (&[("manifest.yaml", b""), ("a", b""), ("a/b", b"")], "name-file-and-folder"),
        (&[("manifest.yaml", &large)], "manifest-too-large"),
    ];
    for (files, rule) in cases {
        assert_eq!(write_archive(files).unwrap_err().id(), rule);
    }
}
