//! The start page: what the launcher tells a component before its first instruction.

use crate::abi::start;
use crate::message::Capability;
use core::cell::UnsafeCell;

/// The start page, mapped read-only; the entry gets its address.
#[repr(C)]
pub struct StartPage {
    words: [UnsafeCell<u64>; start::WORDS as usize],
}

impl StartPage {
    /// A word of the page.
    fn word(&self, at: u64) -> u64 {
        // SAFETY: the kernel maps the whole page readable for as long as the component runs. It enters windows while
        // the component runs, so nothing is assumed to stay as it was read.
        unsafe { self.words[at as usize / 8].get().read_volatile() }
    }

    /// How often the component has been started, from 1.
    pub fn generation(&self) -> u64 {
        self.word(start::GENERATION)
    }

    /// The required capability of an index, as the launcher granted it.
    pub fn capability(&self, index: u32) -> Capability {
        let entry = start::CAPABILITIES + start::CAPABILITY_BYTES * u64::from(index);
        let window = (self.word(entry + start::ENTRY_WINDOW), self.word(entry + start::ENTRY_WINDOW_BYTES));
        Capability::new(self.word(entry + start::ENTRY_HANDLE), window)
    }

    /// The parameter of an index.
    pub fn parameter(&self, index: u32) -> u64 {
        self.word(start::PARAMETERS + 8 * u64::from(index))
    }

    /// A client's window: address and bytes; none for a client that does not exist.
    pub(crate) fn client_window(&self, client: u64) -> Option<(u64, u64)> {
        if client >= start::CLIENTS_MAX {
            return None;
        }
        let entry = start::CLIENT_WINDOWS + start::CLIENT_WINDOW_BYTES * client;
        Some((self.word(entry), self.word(entry + 8)))
    }

    /// An address as an offset from the slab's base.
    pub(crate) fn slab_offset(&self, address: usize) -> u64 {
        let base = ((&raw const *self).addr() as u64).wrapping_sub(start::PAGE);
        (address as u64).wrapping_sub(base)
    }
}
