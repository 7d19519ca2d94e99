//! The start page: what the launcher tells a component before its first instruction.

use crate::abi::{info, start};
use crate::message::Capability;
use core::cell::UnsafeCell;
use core::ptr::{NonNull, null_mut, with_exposed_provenance};
use core::sync::atomic::{AtomicPtr, Ordering};

static PAGE: AtomicPtr<StartPage> = AtomicPtr::new(null_mut());

/// Keeps the page that the entry got, for what is far from the entry.
pub(crate) fn keep(page: &'static StartPage) {
    PAGE.store((&raw const *page).cast_mut(), Ordering::Relaxed);
}

/// The page that was kept.
pub(crate) fn kept() -> Option<&'static StartPage> {
    // SAFETY: `keep` stored a reference to the page, which stays mapped.
    NonNull::new(PAGE.load(Ordering::Relaxed)).map(|page| unsafe { page.as_ref() })
}

/// Ticks of the time-stamp counter in a second, 0 while that is unknown.
pub fn ticks_a_second() -> u64 {
    kept().map_or(0, |page| page.info(info::TSC_HZ))
}

/// Nanoseconds of so many ticks, 0 while it is unknown how long one is.
pub fn nanoseconds(ticks: u64) -> u64 {
    (u128::from(ticks) * 1_000_000_000).checked_div(ticks_a_second().into()).unwrap_or_default() as u64
}

/// The time-stamp counter when the machine began.
pub fn ticks_at_boot() -> u64 {
    kept().map_or(0, |page| page.info(info::TSC_BOOT))
}

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

    /// A word of the machine's info page.
    fn info(&self, at: u64) -> u64 {
        let word = with_exposed_provenance::<u64>((self.slab_base() + info::PAGE + at) as usize);
        // SAFETY: the kernel maps that page, too, and a word of it lies at each offset of its table.
        unsafe { word.read_volatile() }
    }

    /// The slab's base.
    pub fn slab_base(&self) -> u64 {
        ((&raw const *self).addr() as u64).wrapping_sub(start::PAGE)
    }

    /// An address in an image as an offset from the base of the image's slab: the realm's, or its library's.
    pub(crate) fn slab_offset(&self, address: usize) -> u64 {
        (address as u64).wrapping_sub(self.slab_base()) % start::SLAB_IMAGE_SPAN
    }
}
