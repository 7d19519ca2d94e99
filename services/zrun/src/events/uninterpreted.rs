//! What stands for the interpreter of modules where it is not built in: none runs there.

use alloc::vec::Vec;

/// Why no module runs.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ModuleError(&'static str);

/// There is none.
#[derive(Debug)]
pub enum Translated {}

impl Translated {
    pub fn new(_: &[u8]) -> Result<Self, ModuleError> {
        Err(ModuleError("no module runs here"))
    }

    pub fn start(&self) -> Result<Interpreted, ModuleError> {
        match *self {}
    }
}

/// There is none.
#[derive(Debug)]
pub enum Interpreted {}

impl Interpreted {
    pub fn look(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, ModuleError> {
        match *self {}
    }

    pub fn used(&self) -> u64 {
        match *self {}
    }
}
