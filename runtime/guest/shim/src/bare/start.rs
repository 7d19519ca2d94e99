//! The realm's first thread.

use super::realm::{self, Realm};
use super::state::{self, State};
use super::{enter, owed};
use sci::guest::{INSTANTIATE, START_FUNCTION};
use sci::linkage::{Extern, PAGE_BYTES, value};
use services_zrun::{GuestMemory, World as _, launch, lifecycle};
use space_guest::StartPage;

/// The status of a guest that ends itself before its state is computed.
const TOO_EARLY: i32 = 1;

/// Where the kernel starts the guest's thread.
#[unsafe(export_name = "space.start")]
extern "C" fn start(page: &'static StartPage) -> ! {
    space_guest::panic::prepare(page, crate::space::CONSOLE);
    let Some(launch) = launch::read(|word| page.parameter(word)) else { panic!("the launch is malformed") };
    state::keep(State::new(page, launch));
    let realm = Realm::of(page);
    make_memories();
    compute(realm);
    for name in lifecycle::BEFORE {
        call(realm, name);
    }
    while state::with(|state| state.world.mail().wait()) {
        call(realm, lifecycle::FOR_EACH);
    }
    call(realm, lifecycle::AFTER);
    end(0)
}

/// Calls a function of the guest's life, if it has it; one that answers a number below 0 has failed, and one that was left
/// has ended the guest.
fn call(realm: Realm, name: &str) {
    let entry = realm.way_in(name);
    if entry == 0 {
        return;
    }
    let answers = answers(name);
    // SAFETY: the kernel says that the way in lies there, and nothing of the state is borrowed.
    match unsafe { enter::call(entry) } {
        Some(status) if answers && status < 0 => end(status),
        None if name != lifecycle::PROGRAM => end(0),
        _ => {}
    }
}

/// Ends the realm, and before it the lines that no newline has ended.
fn end(status: i32) -> ! {
    state::with(State::flush);
    realm::exit(status)
}

/// Gives further memories the pages that they begin with; the kernel has made the first one.
fn make_memories() {
    let made = state::with(|state| {
        let memories = (0_u32..).zip(&state.linkage.memories);
        memories.map(|(index, memory)| (index, memory.minimum)).all(|(index, pages)| {
            let missing = pages.saturating_sub(state.realm.memory(index).bytes() / PAGE_BYTES);
            owed::grow(state, index, missing).is_some()
        })
    });
    assert!(made, "there is no room for the guest's memories");
}

/// Computes the guest's state.
fn compute(realm: Realm) {
    for name in [INSTANTIATE, START_FUNCTION] {
        let entry = realm.way_in(name);
        // SAFETY: the kernel says that the way in lies there, and nothing of the state is borrowed.
        if entry != 0 && unsafe { enter::call(entry) }.is_none() {
            end(TOO_EARLY);
        }
    }
    // A start function that is imported has no way in.
    let number = state::with(|state| state.linkage.start);
    if let Some((function, _)) = number.and_then(owed::imported) {
        let mut cells = [0_u64; 2];
        owed::call(function, (&raw mut cells).expose_provenance() as u64);
    }
}

/// Whether an exported function answers a number.
fn answers(name: &str) -> bool {
    state::with(|state| {
        let export = state.linkage.exports.iter().find(|export| export.name == name);
        let ty = match export.map(|export| export.kind) {
            Some(Extern::Function(_, ty)) => {
                ty.checked_sub(1).and_then(|at| state.linkage.types.get(at as usize))
            }
            _ => None,
        };
        ty.is_some_and(|ty| ty.results == [value::I32])
    })
}
