//! The way to the host component, and what the realm does by itself: time and waiting.

use crate::space::{Authority, client};
use alloc::vec::Vec;
use sci::syscall::thread_operation;
use services_zrun::StoreError;
use services_zrun::remote::{Channel, arrived, exchange};
use space_guest::Status;
use space_guest::abi::method;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// The capabilities that effects need.
pub(super) struct Effects {
    host: client::Host,
    clock: client::Clock,
    timer: client::Notification,
}

impl Effects {
    /// Of what the realm holds; the right to make memory is left over.
    pub fn of(authority: Authority) -> (Self, client::Memory) {
        let Authority { host, memory, clock, timer } = authority;
        (Self { host, clock, timer }, memory)
    }
}

services_zrun::parts!(client::Host; Status);

impl Channel for Effects {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        exchange(&mut self.host, request)
    }

    fn wait(&mut self, _: &[u8], _: u32) -> Result<Vec<u8>, StoreError> {
        self.host.next().map(arrived).map_err(failed)
    }

    fn monotonic(&mut self) -> u64 {
        space_guest::nanoseconds(self.clock.now())
    }

    fn sleep(&mut self, nanoseconds: u64) -> bool {
        let ticks = u128::from(nanoseconds) * u128::from(space_guest::ticks_a_second()) / SECOND;
        let wake = u128::from(self.clock.now()) + ticks;
        // The time 0 is none.
        self.timer.wait(0, u64::try_from(wake).unwrap_or(u64::MAX).max(1));
        true
    }

    fn pause(&mut self) {
        method::thread_control(0, thread_operation::YIELD, 0, 0);
    }
}
