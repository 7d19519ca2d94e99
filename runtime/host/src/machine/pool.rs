//! Slabs to use again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::mapping::MapError;
use super::program::Program;
use super::slab::Slab;

/// Slabs of one program, last in first out: the one used last is warm.
#[derive(Debug)]
pub struct Pool {
    program: Arc<Program>,
    bound: AtomicUsize,
    free: Mutex<Vec<Slab>>,
}

impl Pool {
    /// Keeps at most `bound` free slabs.
    pub fn new(program: Arc<Program>, bound: usize) -> Self {
        Self { program, bound: AtomicUsize::new(bound), free: Mutex::new(Vec::new()) }
    }

    /// Keeps at most so many from now on; what is free and too many goes.
    pub fn set_bound(&self, bound: usize) {
        self.bound.store(bound, Ordering::Relaxed);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).truncate(bound);
    }

    /// A slab as if new, which comes back when it is dropped.
    pub fn lend(self: &Arc<Self>) -> Result<Slab, MapError> {
        let mut slab = self.take()?;
        slab.set_home(Some(Arc::clone(self)));
        Ok(slab)
    }

    /// A slab as if new.
    pub fn take(&self) -> Result<Slab, MapError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.map_or_else(|| Slab::new(&self.program), Ok)
    }

    /// Resets a slab and keeps it; unmaps it if there are enough, or if it is another program's.
    pub fn put(&self, mut slab: Slab) -> Result<(), MapError> {
        slab.set_home(None);
        let bound = self.bound.load(Ordering::Relaxed);
        if !Arc::ptr_eq(slab.program(), &self.program) || self.free_slabs() >= bound {
            return Ok(());
        }
        slab.reset()?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < bound {
            free.push(slab);
        }
        Ok(())
    }

    /// How many it holds.
    pub fn free_slabs(&self) -> usize {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
