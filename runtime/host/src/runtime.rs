//! Functions that the runtime owes every guest.

use crate::error::{Place, Trap};
use crate::instance::Inner;
use crate::machine::Registers;
use crate::object::{Table, function_of, reference};
use crate::store;
use crate::value::{Value, ValueType};
use sci::linkage::{self, runtime};
use sci::status::Fault;
use std::rc::Rc;

/// Calls one of them.
pub(crate) fn call(
    store: &Rc<store::Inner>,
    instance: &Rc<Inner>,
    number: u32,
    registers: &mut Registers,
) -> Result<(), Trap> {
    // Upper halves of 32-bit arguments are undefined.
    let [first, second, third, fourth, fifth, _] = registers.ints.map(|word| word as u32);
    let result = match number {
        runtime::MEMORY_GROW => {
            let memory = &instance.memories[first as usize];
            let bytes = memory.bytes().saturating_add(u64::from(second) * linkage::PAGE_BYTES);
            if let Some(allowed) = memory.0.quota.filter(|quota| store.is_strict.get() && bytes > *quota) {
                return Err(Trap::Host(format!(
                    "its memory would have {bytes} bytes, it may have {allowed} [quota-memory]"
                )));
            }
            let before = memory.grow(u64::from(second));
            before.map_or(u32::MAX, |pages| pages as u32)
        }
        runtime::TABLE_GROW => {
            let table = &instance.tables[first as usize];
            let word = translate(store, instance, table, second);
            table.grow_words(u64::from(third), word).map_or(u32::MAX, |elements| elements as u32)
        }
        runtime::TABLE_SET => {
            let table = &instance.tables[first as usize];
            let word = translate(store, instance, table, third);
            table.set_word(u64::from(second), word).ok_or_else(|| bounds(instance))?;
            0
        }
        runtime::TABLE_FILL => {
            let table = &instance.tables[first as usize];
            let word = translate(store, instance, table, third);
            inside(instance, second, fourth, table.size())?;
            for index in 0..fourth {
                table.set_word(u64::from(second) + u64::from(index), word).ok_or_else(|| bounds(instance))?;
            }
            0
        }
        runtime::TABLE_COPY => {
            copy(store, instance, [first, second, third, fourth, fifth])?;
            0
        }
        runtime::TABLE_INIT => {
            let table = &instance.tables[first as usize];
            let length = instance.segment_length(second).ok_or_else(|| bounds(instance))?;
            inside(instance, fourth, fifth, length)?;
            inside(instance, third, fifth, table.size())?;
            for index in 0..u64::from(fifth) {
                let word = instance
                    .segment_item(second, u64::from(fourth) + index)
                    .ok_or_else(|| bounds(instance))?;
                let word = translate(store, instance, table, word);
                table.set_word(u64::from(third) + index, word).ok_or_else(|| bounds(instance))?;
            }
            0
        }
        runtime::GLOBAL_SET => {
            let global = &instance.globals[first as usize];
            let function = function_of(store, Some(instance.number), second);
            let owner = global.0.owner.filter(|_| !global.0.shared.get());
            let word = reference(store, owner, &Value::Function(function));
            global.write_bits(store, u128::from(word));
            0
        }
        runtime::FOREIGN_CALL => {
            foreign_call(store, instance, first, second, registers.ints[2])?;
            0
        }
        _ => return Err(Trap::Host("the runtime has no such function".into())),
    };
    registers.results.ints[0] = u64::from(result);
    Ok(())
}

/// A reference of the instance as one of the table.
fn translate(store: &Rc<store::Inner>, instance: &Inner, table: &Table, word: u32) -> u32 {
    if table.0.element != ValueType::Function || word == 0 {
        return word;
    }
    let owner = table.0.owner.filter(|_| !table.0.shared.get());
    if owner == Some(instance.number) {
        return word;
    }
    reference(store, owner, &Value::Function(function_of(store, Some(instance.number), word)))
}

fn inside(instance: &Inner, at: u32, count: u32, size: u64) -> Result<(), Trap> {
    if u64::from(at) + u64::from(count) <= size { Ok(()) } else { Err(bounds(instance)) }
}

fn bounds(instance: &Inner) -> Trap {
    trap(instance, Fault::TableBounds)
}

fn trap(_: &Inner, fault: Fault) -> Trap {
    Trap::Fault { fault, place: Place::default() }
}

/// Copies between tables, of which one is seen by others.
fn copy(
    store: &Rc<store::Inner>,
    instance: &Inner,
    [to, from, at, start, count]: [u32; 5],
) -> Result<(), Trap> {
    let (to, from) = (&instance.tables[to as usize], &instance.tables[from as usize]);
    inside(instance, start, count, from.size())?;
    inside(instance, at, count, to.size())?;
    let count = u64::from(count);
    let backward = at > start;
    for step in 0..count {
        let index = if backward { count - 1 - step } else { step };
        let word = from.word(u64::from(start) + index).ok_or_else(|| bounds(instance))?;
        let word = if to.0.element == ValueType::Function && word != 0 {
            let function = function_of(store, from.0.owner, word);
            let owner = to.0.owner.filter(|_| !to.0.shared.get());
            reference(store, owner, &Value::Function(function))
        } else {
            word
        };
        to.set_word(u64::from(at) + index, word).ok_or_else(|| bounds(instance))?;
    }
    Ok(())
}

/// Calls a function that is not the instance's own, with arguments in cells.
fn foreign_call(
    store: &Rc<store::Inner>,
    instance: &Inner,
    word: u32,
    expected: u32,
    cells: u64,
) -> Result<(), Trap> {
    let Some(function) = function_of(store, Some(instance.number), word) else {
        return Err(trap(instance, Fault::NullElement));
    };
    let ty = instance.module.0.ty(expected).clone();
    if *store.kind(function.id).ty() != ty {
        return Err(trap(instance, Fault::TypeMismatch));
    }
    let arguments = instance.take_cells(store, &ty, cells)?;
    let results = crate::function::call(store, function.id, &arguments, Some(instance.number))?;
    instance.give_cells(store, &results, cells)
}
