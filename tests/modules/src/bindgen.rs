//! Conventions of wasm-bindgen: objects of the host by number, and bytes passed both ways.

use crate::guest::Guest;
use space_host::Trap;
use std::cell::RefCell;
use std::rc::Rc;

/// Numbers below this one mean something to some versions of the tool.
const FIRST: u64 = 200;

/// Objects of the host that a guest knows by number.
#[derive(Debug)]
pub struct Objects<O>(Rc<RefCell<Vec<Option<O>>>>);

impl<O> Clone for Objects<O> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<O> Default for Objects<O> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<O: Clone> Objects<O> {
    /// A new object's number.
    pub fn add(&self, object: O) -> u64 {
        let mut objects = self.0.borrow_mut();
        objects.push(Some(object));
        FIRST + objects.len() as u64 - 1
    }

    /// The object of a number.
    pub fn get(&self, number: u64) -> Option<O> {
        let index = number.checked_sub(FIRST)? as usize;
        self.0.borrow().get(index).cloned().flatten()
    }

    /// Gives an object up.
    pub fn take(&self, number: u64) -> Option<O> {
        let index = number.checked_sub(FIRST)? as usize;
        self.0.borrow_mut().get_mut(index)?.take()
    }
}

/// Copies bytes to memory that the guest allocates; later versions of the tool want an alignment.
pub fn pass(guest: &Guest, bytes: &[u8]) -> Result<u64, Trap> {
    let at = guest.call("__wbindgen_malloc", &[bytes.len() as u64, 1])?;
    guest.write(at, bytes)?;
    Ok(at)
}

/// Calls a function that writes words to where its first argument says; gives the words.
pub fn call<const WORDS: usize>(guest: &Guest, name: &str, arguments: &[u64]) -> Result<[u64; WORDS], Trap> {
    let room = 16u64;
    let at = guest.call("__wbindgen_add_to_stack_pointer", &[room.wrapping_neg()])?;
    let arguments: Vec<u64> = std::iter::once(at).chain(arguments.iter().copied()).collect();
    guest.call(name, &arguments)?;
    let mut words = [0; WORDS];
    for (index, word) in words.iter_mut().enumerate() {
        *word = guest.word(at + 4 * index as u64)?;
    }
    guest.call("__wbindgen_add_to_stack_pointer", &[room])?;
    Ok(words)
}

/// Calls a function of bytes to bytes; `extra` follows the bytes. A third word that is not 0 is an error object.
pub fn bytes(guest: &Guest, name: &str, input: &[u8], extra: &[u64]) -> Result<Vec<u8>, Trap> {
    let at = pass(guest, input)?;
    let arguments: Vec<u64> = [at, input.len() as u64].into_iter().chain(extra.iter().copied()).collect();
    let [to, length] = call(guest, name, &arguments)?;
    let output = guest.read(to, length)?;
    guest.call("__wbindgen_free", &[to, length, 1])?;
    Ok(output)
}
