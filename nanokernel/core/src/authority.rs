//! Capability calls: mint, drop, query.

use crate::capability::{Handle, REQUIRED_SLOTS, kind};
use crate::hal::Hal;
use crate::interrupt::ports_exist;
use crate::kernel::{Kernel, Outcome};
use crate::table::LINES;
use sci::status::{Fault, Status};
use sci::syscall::query;

/// Method `range` of a PortRange, and `line` of an Interrupt: the right to narrow by badge.
const RANGE: u64 = 1 << 6;
const LINE: u64 = 1 << 3;
/// Where `cap_query` answers the type.
const TYPE_SHIFT: u32 = 56;

impl Kernel {
    pub(crate) fn cap_mint(&mut self, handle: Handle, mask: u64, badge: u64) -> Outcome {
        let held = match self.held_any(handle) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let mut made = held.attenuated(mask);
        if badge != 0 && badge != held.badge {
            let (right, exists) = match held.kind {
                kind::PORTS => (RANGE, ports_exist(badge)),
                kind::INTERRUPT => (LINE, badge < LINES as u64),
                _ => (0, false),
            };
            if held.badge != 0 || !exists {
                return Outcome::refused(Status::Argument);
            }
            if held.mask & right == 0 {
                return Outcome::Fault(Fault::MethodMask, handle, right);
            }
            made.badge = badge;
        }
        assert!(held.covers(&made), "minting never adds authority");
        self.give_here(made)
    }

    pub(crate) fn cap_drop(&mut self, hal: &mut impl Hal, handle: Handle) -> Outcome {
        let index = match self.held_index(handle) {
            Ok(index) => index,
            Err(outcome) => return outcome,
        };
        if (handle as u32) < REQUIRED_SLOTS {
            // A reset puts it back, so the object stays counted.
            let held = self.capabilities.0.at_mut(index);
            held.kind |= kind::DROPPED;
        } else {
            let held = self.capabilities.clear(index);
            self.release(hal, &held);
        }
        Outcome::OK
    }

    pub(crate) fn cap_query(&mut self, hal: &impl Hal, handle: Handle, what: u64, offset: u64) -> Outcome {
        if what == query::ADDRESS {
            return self.memory_address(hal, handle, offset);
        }
        match self.held_any(handle) {
            Ok(held) => Outcome::Answer(
                Status::Ok,
                u64::from(held.kind) << TYPE_SHIFT | held.mask & ((1 << TYPE_SHIFT) - 1),
            ),
            Err(outcome) => outcome,
        }
    }
}
