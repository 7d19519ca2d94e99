//! The guests on both hosts.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use services_zrun::imports::ImportError;
use services_zrun::linux::RunError;
use tests_conformance::host::{grants, lines_on_both, on_linux};
use tests_conformance::image::compile;
use tests_guests::{ALL, EXPECTED, GRANTS};

#[test]
fn every_language_prints_the_same_lines_and_is_refused_what_it_was_not_granted() {
    for guest in ALL {
        let image = compile(&guest.module().unwrap()).unwrap();
        let said = lines_on_both(&image, grants(GRANTS));
        assert!(said.iter().map(String::as_str).eq(EXPECTED.lines()), "{}: {said:#?}", guest.language);
        for missing in GRANTS {
            let granted: Vec<_> = GRANTS.iter().copied().filter(|one| one != missing).collect();
            let (result, said) = on_linux(&image, grants(&granted));
            let Err(RunError::Import(ImportError::NotGranted { capability, .. })) = &result else {
                panic!("{} without {}: {result:?}", guest.language, missing.name());
            };
            assert_eq!((*capability, said.len()), (missing.name(), 0), "{}", guest.language);
        }
    }
}
