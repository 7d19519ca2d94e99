//! The way to the host component, and what the realm does by itself: time and waiting.

use crate::space::{Authority, client};
use alloc::vec::Vec;
use sci::syscall::thread_operation;
use services_zrun::StoreError;
use services_zrun::remote::Channel;
use space_guest::Status;
use space_guest::abi::method;

/// Bytes of the channel's window.
const WINDOW: usize = 4096;
/// Bytes of a reply that come with the call.
const FIRST: usize = 512;
/// Bytes of a request that go with the call: both share the window.
const LAST: usize = WINDOW - FIRST;
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

/// A call that failed: the host is gone, or it takes no request that large.
fn failed(status: Status) -> StoreError {
    if status == Status::Quota { StoreError::Full } else { StoreError::Failed }
}

impl Channel for Effects {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut rest = request;
        while rest.len() > LAST {
            let (part, after) = rest.split_at(rest.len().min(WINDOW));
            self.host.put(part).map_err(failed)?;
            rest = after;
        }
        let mut first = [0; FIRST];
        let bytes = self.host.call(rest, &mut first).map_err(failed)? as usize;
        let mut reply = Vec::new();
        reply.try_reserve_exact(bytes).map_err(|_| StoreError::Failed)?;
        reply.extend_from_slice(&first[..bytes.min(FIRST)]);
        while reply.len() < bytes {
            let at = reply.len();
            reply.resize(bytes.min(at + WINDOW), 0);
            let taken = self.host.take(at as u32, &mut reply[at..]).map_err(failed)?;
            if taken as usize != reply.len() - at {
                return Err(StoreError::Failed);
            }
        }
        Ok(reply)
    }

    fn monotonic(&mut self) -> u64 {
        let ticks = u128::from(self.clock.now()) * SECOND;
        ticks.checked_div(space_guest::ticks_a_second().into()).unwrap_or_default() as u64
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
