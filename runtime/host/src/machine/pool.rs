//! Slabs to use again.

use std::sync::{Arc, Mutex, PoisonError};

use super::mapping::MapError;
use super::program::Program;
use super::slab::Slab;

/// Slabs of one program, last in first out: the one used last is warm.
#[derive(Debug)]
pub struct Pool {
    program: Arc<Program>,
    bound: usize,
    free: Mutex<Vec<Slab>>,
}

impl Pool {
    /// Keeps at most `bound` free slabs.
    pub fn new(program: Arc<Program>, bound: usize) -> Self {
        Self { program, bound, free: Mutex::new(Vec::new()) }
    }

    /// A slab as if new.
    pub fn take(&self) -> Result<Slab, MapError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.map_or_else(|| Slab::new(&self.program), Ok)
    }

    /// Resets a slab and keeps it; unmaps it if there are enough, or if it is another program's.
    pub fn put(&self, mut slab: Slab) -> Result<(), MapError> {
        if !Arc::ptr_eq(slab.program(), &self.program) || self.free_slabs() >= self.bound {
            return Ok(());
        }
        slab.reset()?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.bound {
            free.push(slab);
        }
        Ok(())
    }

    /// How many it holds.
    pub fn free_slabs(&self) -> usize {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
