//! The parser of source maps: a callback for every mapping.

use crate::{open, surroundings};
use std::cell::RefCell;
use std::rc::Rc;

const MAPPINGS: &[u8] = b"AAAA,IAAMA,EAAI;AACV,IAAMC,EAAI;ACAV,QAAQ,IAAI";

/// Line and column of the output, then source, line and column it comes from, then the name; lines from 0.
const EXPECTED: &[(u64, u64, [u64; 3], Option<u64>)] = &[
    (0, 0, [0, 0, 0], None),
    (0, 4, [0, 0, 6], Some(0)),
    (0, 6, [0, 0, 10], None),
    (1, 0, [0, 1, 0], None),
    (1, 4, [0, 1, 6], Some(1)),
    (1, 6, [0, 1, 10], None),
    (2, 0, [1, 1, 0], None),
    (2, 8, [1, 1, 8], None),
    (2, 12, [1, 1, 12], None),
];

#[test]
fn every_mapping_calls_back() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&seen);
    let surroundings = surroundings().serve("env.mapping_callback", move |_, words| {
        let [line, column, _, _, original, source, source_line, source_column, named, name] = *words else {
            panic!("{words:?}")
        };
        assert_eq!(original, 1);
        let name = (named == 1).then_some(name);
        sink.borrow_mut().push((line, column, [source, source_line, source_column], name));
        Ok(0)
    });
    let Some(guest) = open("source-map/lib/mappings.wasm", &surroundings) else { return };
    let at = guest.call("allocate_mappings", &[MAPPINGS.len() as u64]).expect("allocates");
    guest.write(at, MAPPINGS).expect("writes");
    let mappings = guest.call("parse_mappings", &[at]).expect("parses");
    assert_ne!(mappings, 0);
    guest.call("by_generated_location", &[mappings]).expect("lists");
    assert_eq!(*seen.borrow(), EXPECTED);

    seen.borrow_mut().clear();
    guest.call("original_location_for", &[mappings, 2, 9, 1]).expect("searches");
    assert_eq!(*seen.borrow(), EXPECTED[7..8]);

    let at = guest.call("allocate_mappings", &[4]).expect("allocates");
    guest.write(at, b"A!!!").expect("writes");
    assert_eq!(guest.call("parse_mappings", &[at]).expect("ends"), 0);
    assert_ne!(guest.call("get_last_error", &[]).expect("says why"), 0);
}
