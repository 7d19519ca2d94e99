//! Notifications: words of event bits, waited for or delivered to an inbox.

use crate::capability::{Handle, kind};
use crate::hal::Hal;
use crate::kernel::{Kernel, Outcome};
use crate::table::{NOTIFICATIONS, REALMS};
use crate::thread::{NONE, ThreadState};
use sci::status::Status;

/// Methods of a notification.
const SIGNAL: u64 = 1;
const WAIT: u64 = 1 << 1;

/// One word of event bits.
#[derive(Clone, Copy, Debug)]
pub struct Notification {
    /// Bits set and not yet taken.
    pub bits: u64,
    /// The thread that waits for some of them, or none.
    pub waiter: u16,
    /// The realm whose inbox hears of a signal, 0 for none.
    pub inbox: u16,
    /// The bits that its inbox gets.
    pub inbox_bits: u64,
    /// Capabilities to it; 0 while it is free.
    pub references: u32,
    /// What a capability to it must carry.
    pub stamp: u32,
}

impl Notification {
    /// A free one.
    pub const FREE: Self = Self { bits: 0, waiter: NONE, inbox: 0, inbox_bits: 0, references: 0, stamp: 0 };

    /// A free one that capabilities to its predecessor do not reach.
    pub const fn free_after(stamp: u32) -> Self {
        Self { stamp: stamp.wrapping_add(1), ..Self::FREE }
    }
}

impl Kernel {
    /// A free notification, bound to an inbox unless `inbox` is 0. It lives while it has capabilities.
    pub(crate) fn notification_new(&mut self, inbox: u16, inbox_bits: u64) -> Option<(u32, u32)> {
        let index = (1..NOTIFICATIONS).find(|&index| self.notifications.at(index).references == 0)?;
        let place = self.notifications.at_mut(index);
        *place = Notification { inbox, inbox_bits, stamp: place.stamp, ..Notification::FREE };
        Some((index as u32, place.stamp))
    }

    pub(crate) fn notify_signal(&mut self, handle: Handle, bits: u64) -> Outcome {
        let held = match self.held(handle, kind::NOTIFICATION, SIGNAL) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let notification = self.notifications.at_mut(held.object as usize);
        notification.bits |= bits;
        let (waiter, inbox, inbox_bits) = (notification.waiter, notification.inbox, notification.inbox_bits);
        if bits != 0 && inbox != 0 {
            self.notify_inbox(inbox, inbox_bits);
        }
        if waiter != NONE && self.notifications.at(held.object as usize).bits & self.thread(waiter).mask != 0
        {
            self.end_wait(waiter);
        }
        Outcome::OK
    }

    pub(crate) fn notify_wait(
        &mut self,
        hal: &mut impl Hal,
        handle: Handle,
        mask: u64,
        wake: u64,
    ) -> Outcome {
        let held = match self.held(handle, kind::NOTIFICATION, WAIT) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let me = self.current;
        let notification = self.notifications.at_mut(held.object as usize);
        if notification.waiter != NONE {
            return Outcome::refused(Status::Busy);
        }
        let taken = notification.bits & mask;
        if taken != 0 || wake != 0 && wake <= hal.now() {
            notification.bits &= !taken;
            return Outcome::Answer(Status::Ok, taken);
        }
        notification.waiter = me;
        let thread = self.threads.at_mut(me as usize);
        thread.state = ThreadState::Waiting;
        thread.peer = held.object as u16;
        thread.mask = mask;
        thread.wake = wake;
        if wake != 0 {
            self.wake_first = if self.wake_first == 0 { wake } else { self.wake_first.min(wake) };
        }
        Outcome::Blocked
    }

    /// Ends a thread's wait; it takes the bits it waited for.
    fn end_wait(&mut self, waiter: u16) {
        let thread = self.threads.at_mut(waiter as usize);
        let notification = self.notifications.at_mut(thread.peer as usize);
        let taken = notification.bits & thread.mask;
        notification.bits &= !taken;
        notification.waiter = NONE;
        thread.answer(Status::Ok.number(), taken);
        thread.wake = 0;
        self.wake(waiter);
    }

    /// Wakes every thread whose time has come.
    pub(crate) fn wake_sleepers(&mut self, now: u64) {
        let mut first = u64::MAX;
        for index in 1..REALMS as u16 {
            let thread = self.thread(index);
            if thread.state == ThreadState::Waiting && thread.wake != 0 {
                if thread.wake <= now {
                    self.end_wait(index);
                } else {
                    first = first.min(thread.wake);
                }
            }
        }
        self.wake_first = first;
    }
}
