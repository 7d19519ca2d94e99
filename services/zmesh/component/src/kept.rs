//! The way to the disk.

use crate::space::client;
use alloc::vec::Vec;
use services_zrun::StoreError;
use services_zrun::remote::{Channel, exchange};
use space_guest::Status;

/// Where what models cost outlives the machine.
pub struct Kept(pub client::Host);

services_zrun::parts!(client::Host, Status);

impl Channel for Kept {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(&mut self.0, request)
    }

    /// Nobody asks a store for the time, or to wait.
    fn monotonic(&mut self) -> u64 {
        0
    }

    fn sleep(&mut self, _: u64) -> bool {
        false
    }

    fn pause(&mut self) {}
}
