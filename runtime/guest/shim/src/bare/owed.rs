//! What the runtime owes every guest: memories, tables and globals that change, calls of imported functions by
//! reference.

use super::state::{self, State};
use super::{calls, realm};
use sci::guest::{Resolved, resolve};
use sci::linkage::{Extern, FOREIGN_BIT, PAGE_BYTES};
use sci::status::{Fault, Status};
use sci::syscall::memory_kind;
use services_zrun::GuestMemory;
use space_guest::abi::method;

/// What a size is that cannot be.
const REFUSED: u32 = u32::MAX;

/// Stops the guest.
fn stop(fault: Fault) -> ! {
    state::with(State::flush);
    realm::fault(fault, 0)
}

/// Does what may lie outside a table.
fn bounded(work: impl FnOnce(&mut State) -> Option<()>) {
    if state::with(work).is_none() {
        stop(Fault::TableBounds);
    }
}

pub(crate) fn memory_grow(memory: u32, pages: u32) -> u32 {
    state::with(|state| grow(state, memory, pages.into())).map_or(REFUSED, |before| before as u32)
}

/// Adds pages to a memory; gives how many it had.
pub(super) fn grow(state: &State, memory: u32, pages: u64) -> Option<u64> {
    let most = *state.maxima.get(memory as usize)?;
    let before = state.realm.memory(memory).bytes() / PAGE_BYTES;
    if before + pages > most {
        return None;
    }
    if pages > 0 {
        let kind = memory_kind::LINEAR + u64::from(memory);
        let made = method::mem_create(state.pages.as_ref().handle(), pages * PAGE_BYTES, kind);
        (made.status == Status::Ok.number()).then_some(())?;
    }
    Some(before)
}

pub(crate) fn table_grow(table: u32, value: u32, elements: u32) -> u32 {
    state::with(|state| state.tables.get(table as usize)?.grow(value, elements)).unwrap_or(REFUSED)
}

pub(crate) fn table_set(table: u32, index: u32, value: u32) {
    bounded(|state| state.tables.get(table as usize)?.fill(index, value, 1));
}

pub(crate) fn table_fill(table: u32, index: u32, value: u32, elements: u32) {
    bounded(|state| state.tables.get(table as usize)?.fill(index, value, elements));
}

pub(crate) fn table_copy(to: u32, from: u32, at: u32, start: u32, elements: u32) {
    bounded(|state| {
        let (to, from) = (state.tables.get(to as usize)?, state.tables.get(from as usize)?);
        to.copy(from, at, start, elements)
    });
}

pub(crate) fn table_init(table: u32, segment: u32, at: u32, start: u32, elements: u32) {
    bounded(|state| {
        let segment = state.linkage.elements.get(segment as usize)?;
        let (items, length) = (state.realm.address(segment.items), state.realm.get(segment.length));
        // SAFETY: the admitted image says that the segment's items lie there, apart from its tables.
        unsafe { state.tables.get(table as usize)?.init(items, length, at, start, elements) }
    });
}

pub(crate) fn global_set(global: u32, value: u32) {
    state::with(|state| {
        if let Some(global) = state.linkage.globals.get(global as usize) {
            state.realm.set(global.cell, value.into());
            state.realm.set(global.cell + 8, 0);
        }
    });
}

/// Calls an imported function, with its values in cells. Other references that only the runtime can call do not come
/// about where a realm has one instance.
pub(crate) fn foreign_call(reference: u32, expected: u32, cells: u64) {
    if reference & FOREIGN_BIT == 0 {
        stop(Fault::NullElement);
    }
    match imported(reference & !FOREIGN_BIT) {
        None => stop(Fault::NullElement),
        Some((_, ty)) if ty != expected => stop(Fault::TypeMismatch),
        Some((function, _)) => call(function, cells),
    }
}

/// The imported function of a number, and the number of its type.
pub(super) fn imported(number: u32) -> Option<(Resolved, u32)> {
    state::with(|state| {
        state.linkage.imports.iter().find_map(|import| match import.kind {
            Extern::Function(function, ty) if function == number => {
                Some((resolve(import.module, import.item), ty))
            }
            _ => None,
        })
    })
}

/// Calls a function of the tables, with its values in cells.
pub(super) fn call(function: Resolved, cells: u64) {
    match function {
        Resolved::Abi(function) => calls::abi_in_cells(function, cells),
        Resolved::Wasi(function) => calls::wasi_in_cells(function, cells),
        Resolved::Unknown => stop(Fault::NullElement),
    }
}
