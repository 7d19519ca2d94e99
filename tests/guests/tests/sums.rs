//! The modules are built from the sources beside them.

use std::path::Path;

use sci::digest::sha256;

#[test]
fn the_modules_were_built_from_these_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sums = std::fs::read_to_string(folder.join("sums")).expect("rebuild wrote it");
    assert_eq!(sums.lines().count(), 26, "two sources, two modules and the library for each language");
    for line in sums.lines() {
        let (sum, file) = line.split_once("  ").expect("a sum and a file");
        let bytes = std::fs::read(folder.join(file)).expect(file);
        let found = sha256(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(found, sum, "{file} changed: run tests/guests/rebuild");
    }
}
