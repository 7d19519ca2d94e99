//! Values that no register holds, where a guest reads and writes them.

use std::cell::UnsafeCell;

/// Cells of 16 bytes, lent to a guest by their address.
#[derive(Debug)]
pub struct Cells(Box<[UnsafeCell<Cell>]>);

#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Cell([u8; 16]);

impl Cells {
    /// Cells with these values.
    pub fn new(values: Vec<[u8; 16]>) -> Self {
        Self(values.into_iter().map(|value| UnsafeCell::new(Cell(value))).collect())
    }

    /// Where the first is.
    pub fn address(&self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    /// What they hold.
    pub fn values(&self) -> Vec<[u8; 16]> {
        // SAFETY: a guest writes them only while it runs, and this thread runs no guest now.
        self.0.iter().map(|cell| unsafe { *cell.get() }.0).collect()
    }
}
