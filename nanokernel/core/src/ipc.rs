//! Messages: call, receive, reply.
//!
//! The two fast functions carry out the common case and change nothing otherwise; the machine then saves the
//! thread's registers and takes the general path, which decides everything anew. Words never move in the fast
//! case: they stay in the registers in which the gate loaded them.
//!
//! A call goes only to strictly higher priority. Whoever receives a message owes its reply; receiving again
//! without having answered keeps the reply under the client's number until `ipc_reply` names it.

use crate::capability::{Handle, kind};
use crate::hal::Hal;
use crate::kernel::{Kernel, Outcome};
use crate::realm::RealmState;
use crate::thread::{GHOST, NONE, Resume, ThreadState};
use sci::layout::{badge, frame};
use sci::limits::{CLIENTS_MAX, MESSAGE_CAPABILITIES_MAX, METHODS_MAX};
use sci::status::{Fault, Status};

/// A switch that a fast function has committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Switch {
    /// The thread that runs now; 0 when nothing was done.
    pub to: u64,
    /// The badge it receives.
    pub badge: u64,
}

impl Switch {
    const NOT: Self = Self { to: 0, badge: 0 };
}

impl Kernel {
    /// `ipc_call` by the current thread to a server that waits, without capabilities.
    #[inline]
    pub fn call_fast(&mut self, handle: Handle, method: u64) -> Switch {
        let me = self.threads.at(self.current as usize);
        let slot = handle as u32;
        if slot >= me.slots_count || method >= u64::from(METHODS_MAX) {
            return Switch::NOT;
        }
        let held = self.capabilities.0.at(me.slots_first.wrapping_add(slot) as usize);
        if held.generation != (handle >> 32) as u32
            || held.kind != kind::ENDPOINT
            || held.mask >> method & 1 == 0
        {
            return Switch::NOT;
        }
        let endpoint = self.endpoints.at_mut(held.object as usize);
        let to = endpoint.receiver;
        if endpoint.stamp != held.stamp || to == NONE {
            return Switch::NOT;
        }
        let (rank, from) = (me.rank, self.current);
        let server = self.threads.at_mut(to as usize);
        if server.rank <= rank {
            return Switch::NOT;
        }
        endpoint.receiver = NONE;
        server.caller = from;
        server.badge = held.badge;
        server.state = ThreadState::Running;
        let me = self.threads.at_mut(from as usize);
        me.state = ThreadState::Calling;
        me.peer = held.object as u16;
        self.current = to;
        Switch { to: u64::from(to), badge: held.badge }
    }

    /// `ipc_reply_recv` by the current thread where nothing waits at its inbox and the caller may run.
    #[inline]
    pub fn reply_fast(&mut self, status: u64) -> Switch {
        let me = self.threads.at(self.current as usize);
        let to = me.caller;
        let endpoint = self.endpoints.at_mut(self.current as usize);
        if to.wrapping_sub(1) >= GHOST - 1
            || status > frame::METHOD_MASK
            || endpoint.pending != 0
            || endpoint.queue != NONE
        {
            return Switch::NOT;
        }
        let caller = self.threads.at_mut(to as usize);
        if self.ready.top > caller.rank {
            return Switch::NOT;
        }
        caller.state = ThreadState::Running;
        endpoint.receiver = self.current;
        let me = self.threads.at_mut(self.current as usize);
        me.caller = NONE;
        me.state = ThreadState::Receiving;
        self.current = to;
        Switch { to: u64::from(to), badge: 0 }
    }

    pub(crate) fn ipc_call(
        &mut self,
        hal: &mut impl Hal,
        handle: Handle,
        method: u64,
        message: u64,
    ) -> Outcome {
        let held = match self.held_any(handle) {
            Ok(held) => held,
            Err(outcome) => return outcome,
        };
        let (number, count) = (method & frame::METHOD_MASK, method >> frame::CAPABILITY_COUNT_SHIFT);
        if number >= u64::from(METHODS_MAX) || held.mask >> number & 1 == 0 {
            return Outcome::Fault(Fault::MethodMask, handle, method);
        }
        if held.kind == kind::CONSOLE {
            return self.console_call(hal, handle as u32, number);
        }
        if held.kind != kind::ENDPOINT {
            return Outcome::Fault(Fault::WrongObject, handle, u64::from(held.kind));
        }
        if count > MESSAGE_CAPABILITIES_MAX as u64 {
            return Outcome::refused(Status::Argument);
        }
        for index in 0..count {
            match self.message_handle(hal, self.here(), message, index).and_then(|it| self.held_any(it)) {
                Ok(_) => {}
                Err(outcome) => return outcome,
            }
        }
        let (me, to) = (self.current, held.object as u16);
        if self.thread(to).rank <= self.thread(me).rank {
            return Outcome::refused(Status::Priority);
        }
        if !self.realms.at(to as usize).state.is_alive() {
            let generation = self.realms.at(to as usize).generation;
            self.peer_gone(me, generation);
            return Outcome::Resumed;
        }
        let thread = self.threads.at_mut(me as usize);
        thread.badge = held.badge;
        thread.peer = to;
        if self.endpoints.at(to as usize).receiver == NONE {
            thread.state = ThreadState::Sending;
            self.endpoints.at_mut(to as usize).enqueue(&mut self.threads, me);
        } else {
            thread.state = ThreadState::Calling;
            self.endpoints.at_mut(to as usize).receiver = NONE;
            self.deliver(hal, me, to);
            self.wake(to);
        }
        Outcome::Blocked
    }

    pub(crate) fn ipc_recv(&mut self, hal: &mut impl Hal) -> Outcome {
        let me = self.current;
        let thread = self.threads.at_mut(me as usize);
        let (caller, client) = (thread.caller, thread.badge & badge::CLIENT_MASK);
        thread.caller = NONE;
        if caller != NONE && caller != GHOST {
            let kept = self.endpoints.at_mut(me as usize).kept.at_mut(client as usize);
            if client < u64::from(CLIENTS_MAX) && *kept == NONE {
                *kept = caller;
            } else {
                // One reply can be kept for a client; a second thread of its is told so.
                self.threads.at_mut(caller as usize).answer(Status::Busy.number(), 0);
                self.wake(caller);
            }
        }
        self.receive(hal)
    }

    pub(crate) fn ipc_reply_recv(&mut self, hal: &mut impl Hal, status: u64) -> Outcome {
        let me = self.current;
        let caller = self.thread(me).caller;
        if caller == NONE {
            return Outcome::Fault(Fault::NoReply, 0, 0);
        }
        self.threads.at_mut(me as usize).caller = NONE;
        if caller != GHOST {
            let words = self.thread(me).registers.words;
            let message = self.thread(me).registers.badge;
            self.reply_to(hal, caller, status, words, message);
        }
        self.receive(hal)
    }

    pub(crate) fn ipc_reply(&mut self, hal: &mut impl Hal, reply: u64, message: u64) -> Outcome {
        let me = self.current;
        let mut bytes = [0; 64];
        if !hal.user_read(self.thread(me).space, message, &mut bytes) {
            return Outcome::Fault(Fault::BadPointer, message, 0);
        }
        let place = if reply == 0 {
            &mut self.threads.at_mut(me as usize).caller
        } else if reply <= u64::from(CLIENTS_MAX) {
            self.endpoints.at_mut(me as usize).kept.at_mut(reply as usize - 1)
        } else {
            return Outcome::Fault(Fault::NoReply, reply, 0);
        };
        let caller = core::mem::replace(place, NONE);
        match caller {
            NONE => return Outcome::Fault(Fault::NoReply, reply, 0),
            GHOST => return Outcome::OK,
            _ => {}
        }
        let mut words = [0; 6];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64_of(chunk);
        }
        let status = bytes.get(frame::STATUS as usize..).map_or(0, u64_of);
        self.reply_to(hal, caller, status, words, message);
        Outcome::OK
    }

    /// Takes what waits at the current thread's inbox, notifications first, or waits there.
    fn receive(&mut self, hal: &mut impl Hal) -> Outcome {
        let me = self.current;
        if self.endpoints.at(me as usize).pending != 0 {
            self.deliver_pending(me);
            return Outcome::Resumed;
        }
        let first = self.endpoints.at(me as usize).queue;
        if first == NONE {
            self.endpoints.at_mut(me as usize).receiver = me;
            self.threads.at_mut(me as usize).state = ThreadState::Receiving;
            return Outcome::Blocked;
        }
        self.endpoints.at_mut(me as usize).remove(&mut self.threads, first);
        let sender = self.threads.at_mut(first as usize);
        if sender.state == ThreadState::Reporting {
            sender.state = ThreadState::Stopped;
        } else {
            sender.state = ThreadState::Calling;
        }
        self.deliver(hal, first, me);
        Outcome::Resumed
    }

    /// Moves the message of `from` into the registers of `to`. A thread that is stopped reports its end, and
    /// expects no answer.
    pub(crate) fn deliver(&mut self, hal: &mut impl Hal, from: u16, to: u16) {
        let sender = *self.thread(from);
        let count = sender.registers.method >> frame::CAPABILITY_COUNT_SHIFT;
        let target = self.thread(to).registers.badge;
        let reports = sender.state == ThreadState::Stopped;
        let server = self.threads.at_mut(to as usize);
        server.answer(Status::Ok.number(), 0);
        server.registers.words = sender.registers.words;
        server.registers.method = sender.registers.method;
        server.registers.badge = sender.badge;
        server.registers.generation = sender.generation;
        server.badge = sender.badge;
        server.caller = if reports { GHOST } else { from };
        if count != 0 && !reports {
            self.transfer(hal, (from, sender.registers.value), (to, target), count);
        }
    }

    /// Gives the realm `to` what the handles of a message name, as many as its frame takes, and writes its own
    /// handles there.
    fn transfer(&mut self, hal: &mut impl Hal, from: (u16, u64), to: (u16, u64), count: u64) {
        let mut accepts = [0; 8];
        if !hal.user_read(self.thread(to.0).space, to.1.wrapping_add(frame::ACCEPTS), &mut accepts) {
            return;
        }
        let count = count.min(u64::from_le_bytes(accepts));
        for index in 0..count.min(MESSAGE_CAPABILITIES_MAX as u64) {
            let area = self.area(from.0);
            let found = self
                .message_handle(hal, from.0, from.1, index)
                .ok()
                .and_then(|handle| self.capabilities.find(area, handle).ok());
            let held = found.map(|found| *self.capabilities.0.at(found));
            let handle = held.and_then(|held| self.give(to.0, held)).unwrap_or(0);
            let place = to.1.wrapping_add(frame::CAPABILITIES + index * 8);
            let space = self.thread(to.0).space;
            // A receiver whose frame is not writable finds that out when its gate stub stores the words.
            let _stored = hal.user_write(space, place, &handle.to_le_bytes());
        }
    }

    fn message_handle(
        &self,
        hal: &mut impl Hal,
        realm: u16,
        message: u64,
        index: u64,
    ) -> Result<Handle, Outcome> {
        let mut bytes = [0; 8];
        let place = message.wrapping_add(frame::CAPABILITIES + index * 8);
        if hal.user_read(self.thread(realm).space, place, &mut bytes) {
            Ok(Handle::from_le_bytes(bytes))
        } else {
            Err(Outcome::Fault(Fault::BadPointer, message, 0))
        }
    }

    /// Answers a caller of the current thread and lets it run.
    fn reply_to(&mut self, hal: &mut impl Hal, caller: u16, status: u64, words: [u64; 6], message: u64) {
        let me = self.current;
        let generation = self.thread(me).generation;
        let count = status >> frame::CAPABILITY_COUNT_SHIFT;
        let target = self.thread(caller).registers.value;
        let thread = self.threads.at_mut(caller as usize);
        assert!(thread.state == ThreadState::Calling, "only a caller is answered");
        thread.answer(status & frame::METHOD_MASK, 0);
        thread.registers.words = words;
        thread.registers.generation = generation;
        if count != 0 {
            self.transfer(hal, (me, message), (caller, target), count);
        }
        self.wake(caller);
    }

    /// Hands a receiver the notification bits that are pending at its inbox.
    pub(crate) fn deliver_pending(&mut self, to: u16) {
        let bits = core::mem::take(&mut self.endpoints.at_mut(to as usize).pending);
        let thread = self.threads.at_mut(to as usize);
        thread.answer(Status::Ok.number(), 0);
        thread.registers.words = [bits, 0, 0, 0, 0, 0];
        thread.registers.badge = badge::EXPORT_NOTIFICATION << badge::EXPORT_SHIFT;
        thread.badge = thread.registers.badge;
        thread.caller = NONE;
    }

    /// Sets notification bits at an inbox and wakes its receiver.
    pub(crate) fn notify_inbox(&mut self, realm: u16, bits: u64) {
        if self.realms.at(realm as usize).state != RealmState::Running {
            return;
        }
        let endpoint = self.endpoints.at_mut(realm as usize);
        endpoint.pending |= bits;
        let receiver = endpoint.receiver;
        if bits != 0 && receiver != NONE {
            endpoint.receiver = NONE;
            self.deliver_pending(receiver);
            self.wake(receiver);
        }
    }

    /// Tells a caller that its server died.
    pub(crate) fn peer_gone(&mut self, caller: u16, generation: u64) {
        let thread = self.threads.at_mut(caller as usize);
        thread.answer(Status::PeerGone.number(), 0);
        thread.registers.generation = generation;
        debug_assert!(thread.resume == Resume::Call, "a caller waits at its call");
    }
}

fn u64_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}
