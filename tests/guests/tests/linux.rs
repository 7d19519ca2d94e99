//! The guests on Linux.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::cell::RefCell;
use std::rc::Rc;

use sci::guest::GuestCapability;
use sci::sign::public_key;
use services_zrun::imports::ImportError;
use services_zrun::linux::{Limits, RunError, Settings, run};
use services_zrun::{Grants, InMemory};
use space_host::Module;
use tests_conformance::image::{SEED, compile};
use tests_guests::{ALL, EXPECTED, GRANTS, Guest};

/// Bytes of memory that every guest gets by with.
const MEMORY_BYTES: u64 = 16 * 1024 * 1024;

fn load(guest: &Guest) -> Module {
    let image = compile(&guest.module().unwrap()).unwrap();
    Module::load(&image, &[public_key(&SEED)]).unwrap()
}

/// Runs a guest; gives the lines of its log.
fn lines(module: &Module, grants: &[GuestCapability]) -> (Result<(), RunError>, String) {
    let lines = Rc::new(RefCell::new(String::new()));
    let log = Rc::clone(&lines);
    let settings = Settings {
        name: "guest".to_owned(),
        grants: grants.iter().fold(Grants::default(), |grants, one| grants.with(*one)),
        arguments: Vec::new(),
        environment: Vec::new(),
        seed: 0,
        log: Box::new(move |line| {
            log.borrow_mut().push_str(line);
            log.borrow_mut().push('\n');
        }),
        values: Box::new(InMemory::new(1024 * 1024)),
        limits: Limits { memory_bytes: Some(MEMORY_BYTES), ..Limits::default() },
        profile: None,
    };
    let result = run(module, settings);
    let said = lines.borrow().clone();
    (result, said)
}

#[test]
fn every_language_prints_the_same_lines_and_is_refused_what_it_was_not_granted() {
    for guest in ALL {
        let module = load(guest);
        let (result, said) = lines(&module, GRANTS);
        assert_eq!(said, EXPECTED, "{}", guest.language);
        result.unwrap();
        for missing in GRANTS {
            let granted: Vec<_> = GRANTS.iter().copied().filter(|one| one != missing).collect();
            let (result, said) = lines(&module, &granted);
            let Err(RunError::Import(ImportError::NotGranted { capability, .. })) = &result else {
                panic!("{} without {}: {result:?}", guest.language, missing.name());
            };
            assert_eq!((*capability, said.as_str()), (missing.name(), ""), "{}", guest.language);
        }
    }
}
