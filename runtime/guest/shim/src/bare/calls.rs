//! Calls of the Guest ABI and of WASI.

use super::{enter, realm, state};
use core::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use sci::guest::{Function, WasiFunction};
use sci::linkage::CELL_BYTES;
use sci::status::Fault;
use services_zrun::Ended;

/// Values of one call at most.
const VALUES_MAX: usize = 9;

/// Serves a call of the Guest ABI.
pub(crate) fn abi(function: &'static Function, arguments: &[i32]) -> i32 {
    let answer = state::with(|state| {
        let mut memory = state.lent();
        let answer = state.space.call(function, arguments, &mut memory, &mut state.world);
        if answer.is_err() {
            state.flush();
        }
        answer
    });
    match answer {
        Ok(answer) => answer,
        Err(violation) => realm::fault(Fault::MethodMask, violation.function.number.into()),
    }
}

/// Serves a call of WASI.
pub(crate) fn wasi(function: &WasiFunction, arguments: &[i64]) -> i32 {
    let answer = state::with(|state| {
        let mut memory = state.lent();
        state.space.call_wasi(function, arguments, &mut memory, &mut state.world)
    });
    match answer {
        Ok(answer) => answer,
        // It has done what it should: whether more of it is called is the caller's to say.
        Err(Ended(0)) => enter::leave(),
        Err(Ended(status)) => {
            state::with(state::State::flush);
            realm::exit(status)
        }
    }
}

/// The same where the values are in cells, and the result is to be.
pub(crate) fn wasi_in_cells(function: &WasiFunction, cells: u64) {
    let mut values = [0; VALUES_MAX];
    let count = function.signature.parameters.len().min(VALUES_MAX);
    for (value, at) in values.iter_mut().zip(0..count as u64) {
        *value = get(cells, at) as i64;
    }
    let answer = wasi(function, &values[..count]);
    if !function.signature.results.is_empty() {
        set(cells, answer);
    }
}

/// Serves a call of the Guest ABI whose values are in cells, and puts the result there.
pub(super) fn abi_in_cells(function: &'static Function, cells: u64) {
    let mut values = [0; VALUES_MAX];
    let count = function.signature.parameters.len().min(VALUES_MAX);
    for (value, at) in values.iter_mut().zip(0..count as u64) {
        *value = get(cells, at) as i32;
    }
    set(cells, abi(function, &values[..count]));
}

/// The value in a cell.
fn get(cells: u64, at: u64) -> u64 {
    // SAFETY: the guest's compiler passes the address of cells on the guest's stack, as many as the function has
    // values; the image that does otherwise reads and writes what its realm may, and nothing else.
    unsafe { with_exposed_provenance::<u64>((cells + CELL_BYTES * at) as usize).read_unaligned() }
}

/// Puts a result into the first cell.
fn set(cells: u64, value: i32) {
    // SAFETY: as for `get`.
    unsafe { with_exposed_provenance_mut::<i32>(cells as usize).write_unaligned(value) }
}
