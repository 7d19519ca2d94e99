//! The functions that a Go program imports. Each takes the program's stack pointer: arguments and results lie above it.

use super::{Go, Js, Object, expected, object};
use crate::guest::Guest;
use space_host::Trap;
use std::cell::RefCell;

/// The code of an import.
pub(super) type Served = fn(&Go, &Guest, u64) -> Result<(), Trap>;

/// What the runtime itself asks.
pub(super) const RUNTIME: &[(&str, Served)] = &[
    ("runtime.wasmExit", |go, guest, stack| {
        go.0.borrow_mut().code = Some(guest.word(stack + 8)? as i32);
        Ok(())
    }),
    ("runtime.wasmWrite", |go, guest, stack| {
        let (to, at, length) =
            (double(guest, stack + 8)?, double(guest, stack + 16)?, guest.word(stack + 24)?);
        go.print(to, &guest.read(at, length)?);
        Ok(())
    }),
    ("runtime.resetMemoryDataView", |_, _, _| Ok(())),
    ("runtime.nanotime1", |go, guest, stack| set_double(guest, stack + 8, go.tick())),
    ("runtime.walltime", |go, guest, stack| {
        set_double(guest, stack + 8, 1_700_000_000 + go.tick() / 1_000_000_000)?;
        guest.set_word(stack + 16, 0)
    }),
    ("runtime.scheduleTimeoutEvent", |go, guest, stack| {
        let mut state = go.0.borrow_mut();
        state.last_timer += 1;
        let id = state.last_timer;
        state.timers.push_back(id);
        guest.set_word(stack + 16, id)
    }),
    ("runtime.clearTimeoutEvent", |go, guest, stack| {
        let id = guest.word(stack + 8)?;
        go.0.borrow_mut().timers.retain(|timer| *timer != id);
        Ok(())
    }),
    ("runtime.getRandomData", |_, guest, stack| {
        let (at, length) = (double(guest, stack + 8)?, double(guest, stack + 16)?);
        guest.write(at, &vec![4; length as usize])
    }),
];

/// What looks at values.
pub(super) const VALUES: &[(&str, Served)] = &[
    ("syscall/js.finalizeRef", |_, _, _| Ok(())),
    ("syscall/js.stringVal", |go, guest, stack| {
        let text = string(guest, stack + 8)?;
        go.store(guest, stack + 24, object(Object::Text(text)))
    }),
    ("syscall/js.valueGet", |go, guest, stack| {
        let value = go.load(guest, stack + 8)?;
        let found = go.get(&value, &string(guest, stack + 16)?);
        go.store(guest, stack + 32, found)
    }),
    ("syscall/js.valueSet", |go, guest, stack| {
        let (value, name) = (go.load(guest, stack + 8)?, string(guest, stack + 16)?);
        if let (Js::Object(of), "_pendingEvent") = (&value, name.as_str()) {
            debug_assert!(matches!(**of, Object::Go));
            go.0.borrow_mut().pending = None;
        }
        Ok(())
    }),
    ("syscall/js.valueIndex", |go, guest, stack| {
        let (value, index) = (go.load(guest, stack + 8)?, double(guest, stack + 16)?);
        let Js::Object(list) = value else { return Err(expected("a list")) };
        let Object::List(items) = &*list else { return Err(expected("a list")) };
        go.store(guest, stack + 24, items.get(index as usize).cloned().unwrap_or(Js::Undefined))
    }),
    ("syscall/js.valueLength", |go, guest, stack| {
        let length = match go.load(guest, stack + 8)? {
            Js::Object(of) => match &*of {
                Object::List(items) => items.len(),
                Object::Bytes(bytes) => bytes.borrow().len(),
                Object::Text(text) => text.encode_utf16().count(),
                _ => return Err(expected("a length")),
            },
            _ => return Err(expected("a length")),
        };
        set_double(guest, stack + 16, length as u64)
    }),
];

/// What calls, makes and copies.
pub(super) const CALLS: &[(&str, Served)] = &[
    ("syscall/js.valueCall", |go, guest, stack| {
        let (value, name) = (go.load(guest, stack + 8)?, string(guest, stack + 16)?);
        let arguments = go.list(guest, stack + 32)?;
        let (result, done) = match go.call(&value, &name, &arguments)? {
            Ok(result) => (result, 1),
            Err(error) => (error, 0),
        };
        go.store(guest, stack + 56, result)?;
        guest.write(stack + 64, &[done])
    }),
    ("syscall/js.valueNew", |go, guest, stack| {
        let (class, arguments) = (go.load(guest, stack + 8)?, go.list(guest, stack + 16)?);
        let made = match (&class, arguments.first()) {
            (Js::Object(of), Some(Js::Number(length))) if matches!(&**of, Object::Named(name) if name == "Uint8Array") => {
                object(Object::Bytes(RefCell::new(vec![0; *length as usize])))
            }
            (Js::Object(of), _) if matches!(&**of, Object::Named(_)) => object(Object::Named("made".into())),
            _ => return Err(expected("a class")),
        };
        go.store(guest, stack + 40, made)?;
        guest.write(stack + 48, &[1])
    }),
    ("syscall/js.valuePrepareString", |go, guest, stack| {
        let Js::Object(of) = go.load(guest, stack + 8)? else { return Err(expected("a text")) };
        let Object::Text(text) = &*of else { return Err(expected("a text")) };
        set_double(guest, stack + 24, text.len() as u64)?;
        go.store(guest, stack + 16, object(Object::Bytes(RefCell::new(text.clone().into_bytes()))))
    }),
    ("syscall/js.valueLoadString", |go, guest, stack| {
        let bytes = go.bytes(guest, stack + 8)?;
        let Object::Bytes(bytes) = &*bytes else { return Err(expected("bytes")) };
        guest.write(double(guest, stack + 16)?, &bytes.borrow())
    }),
    ("syscall/js.copyBytesToGo", |go, guest, stack| {
        let (at, length) = (double(guest, stack + 8)?, double(guest, stack + 16)?);
        let bytes = go.bytes(guest, stack + 32)?;
        let Object::Bytes(bytes) = &*bytes else { return Err(expected("bytes")) };
        let bytes = bytes.borrow();
        let copied = &bytes[..bytes.len().min(length as usize)];
        guest.write(at, copied)?;
        set_double(guest, stack + 40, copied.len() as u64)?;
        guest.write(stack + 48, &[1])
    }),
    ("syscall/js.copyBytesToJS", |go, guest, stack| {
        let to = go.bytes(guest, stack + 8)?;
        let Object::Bytes(to) = &*to else { return Err(expected("bytes")) };
        let (at, length) = (double(guest, stack + 16)?, double(guest, stack + 24)?);
        let copied = length.min(to.borrow().len() as u64);
        to.borrow_mut()[..copied as usize].copy_from_slice(&guest.read(at, copied)?);
        set_double(guest, stack + 40, copied)?;
        guest.write(stack + 48, &[1])
    }),
];

/// A word of 64 bits.
pub(super) fn double(guest: &Guest, at: u64) -> Result<u64, Trap> {
    let bytes = guest.read(at, 8)?;
    Ok(bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)))
}

pub(super) fn set_double(guest: &Guest, at: u64, word: u64) -> Result<(), Trap> {
    guest.write(at, &word.to_le_bytes())
}

fn string(guest: &Guest, at: u64) -> Result<String, Trap> {
    guest.text(double(guest, at)?, double(guest, at + 8)?)
}
