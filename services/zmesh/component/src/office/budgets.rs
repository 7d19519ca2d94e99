//! What was spent before, and is kept.

use super::Office;
use alloc::boxed::Box;
use services_zrun::Store;

impl Office {
    /// Goes on with what a store has of what models cost, and keeps that there from now on.
    pub fn keep_in(&mut self, store: Box<dyn Store>) {
        self.agency.keep_in(store);
        self.lines.extend(self.agency.lines());
    }
}
