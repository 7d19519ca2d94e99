//! Linear memories: pages behind those that a guest has, charged to its realm.
//!
//! Accesses are not checked in the guest's code: what a memory does not have must not be mapped when a call ends, so
//! an append that finds too little takes its pages back. Both ways go in bounded steps.

use crate::hal::{Hal, Owner, Page, Rights};
use crate::kernel::{Kernel, Outcome};
use crate::memory::{MADE_A_STEP, PAGES_A_STEP};
use crate::program::LINEAR_PAGES_MAX;
use crate::realm::Appending;
use sci::layout::{INSTANCE_PAGE, KERNEL_SLAB_BASE, PAGE, instance, linear_memory};
use sci::limits::wasm::MEMORIES_MAX;
use sci::linkage::PAGE_BYTES;
use sci::status::Status;

impl Kernel {
    /// Appends zeroed pages to a linear memory of the current realm; answers the bytes that it had.
    pub(crate) fn append(&mut self, hal: &mut impl Hal, index: u64, bytes: u64) -> Outcome {
        let me = self.here();
        let realm = *self.realms.at(me as usize);
        let is_guest = self.programs.at(realm.program as usize).get().is_some_and(|it| it.library.is_some());
        if !is_guest || index >= MEMORIES_MAX || !bytes.is_multiple_of(PAGE_BYTES) {
            return Outcome::refused(Status::Argument);
        }
        let place = KERNEL_SLAB_BASE + INSTANCE_PAGE + instance::MEMORIES + instance::MEMORY_BYTES * index;
        let mut length = [0; 8];
        hal.user_read(realm.space, place + instance::MEMORY_LENGTH, &mut length);
        let before = u64::from_le_bytes(length);
        let maximum = u64::from(LINEAR_PAGES_MAX) * PAGE_BYTES;
        if bytes > maximum - before.min(maximum) {
            return Outcome::refused(Status::Argument);
        }
        let end = KERNEL_SLAB_BASE + linear_memory(index) + before;
        let Appending { pages: done, undoes } = realm.appending;
        if undoes {
            return self.take_back(hal, end);
        }
        let pages = (bytes / PAGE) as u32;
        let step = (pages - done).min(MADE_A_STEP);
        for page in done..done + step {
            let frame = self.charged_frame(hal, (me, realm.stamp));
            let mapped = frame.is_some_and(|frame| {
                let page_of_it = Page { frame, rights: Rights::Write, owner: Owner::Space };
                let mapped = hal.space_map(realm.space, end + u64::from(page) * PAGE, page_of_it);
                if mapped.is_err() {
                    hal.frame_return(frame);
                    self.realms.at_mut(me as usize).memory_left += 1;
                }
                mapped.is_ok()
            });
            let appending = &mut self.realms.at_mut(me as usize).appending;
            if !mapped {
                appending.undoes = true;
                return self.take_back(hal, end);
            }
            appending.pages += 1;
        }
        if done + step < pages {
            return Outcome::Restart;
        }
        let owner = self.realms.at_mut(me as usize);
        owner.appending = Appending::default();
        owner.linear_pages += pages;
        hal.space_write(realm.space, place + instance::MEMORY_LENGTH, &(before + bytes).to_le_bytes());
        Outcome::Answer(Status::Ok, before)
    }

    /// Takes back some of the pages that a call appended behind `end`.
    fn take_back(&mut self, hal: &mut impl Hal, end: u64) -> Outcome {
        let realm = self.realms.at_mut(self.current as usize);
        for _ in 0..PAGES_A_STEP.min(realm.appending.pages) {
            realm.appending.pages -= 1;
            let address = end + u64::from(realm.appending.pages) * PAGE;
            if let Some(frame) = hal.space_unmap(realm.space, address) {
                hal.frame_return(frame);
                realm.memory_left += 1;
            }
        }
        if realm.appending.pages > 0 {
            return Outcome::Restart;
        }
        realm.appending = Appending::default();
        Outcome::refused(Status::Quota)
    }
}
