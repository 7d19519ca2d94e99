//! How realms end: faults, exits, kills and resets.
//!
//! Whatever stops a realm, its callers learn of it at once, its place in every queue is given up, and its maker
//! gets one report unless it ordered the stop itself. Memory returns in bounded steps.

use crate::capability::{Capabilities, REQUIRED_SLOTS, kind};
use crate::exit::Exit;
use crate::hal::{Frame, Hal, Space};
use crate::kernel::Kernel;
use crate::memory::Mapping;
use crate::realm::{Realm, RealmState};
use crate::table::REALMS;
use crate::thread::{GHOST, NONE, Resume, ThreadState};
use sci::layout::{GATE_PAGE, KERNEL_SLAB_BASE, PAGE, STACK_TOP, badge};
use sci::limits::CLIENTS_MAX;
use sci::status::Fault;
use sci::syscall::Stub;

/// Frames that one step returns.
const FRAMES_A_STEP: u32 = 64;
/// Marks [`crate::thread::Thread::unfinished`] as a realm.
pub(crate) const UNFINISHED_REALM: u32 = 1 << 16;
/// Bytes that the gate's message stubs push before `syscall`.
const STUB_SAVED_BYTES: u64 = 56;

impl Kernel {
    /// The current thread did what the machine traps.
    pub fn trap(&mut self, hal: &mut impl Hal, fault: Fault, address: u64, detail: u64) {
        self.stop_faulted(hal, self.current, fault, address, detail);
        self.reschedule();
    }

    /// Stops a thread for good and tells its maker why.
    pub(crate) fn stop_faulted(
        &mut self,
        hal: &mut impl Hal,
        thread: u16,
        fault: Fault,
        address: u64,
        detail: u64,
    ) {
        let realm = thread;
        let offset = self.fault_offset(hal, thread);
        if fault != Fault::Exit || detail != 0 || self.options.verbose {
            self.print_fault(hal, realm, fault, [offset, address, detail]);
        }
        self.stop_thread(hal, thread);
        self.fail_callers(realm);
        self.lines_unbind(hal, realm);
        let place = self.realms.at_mut(realm as usize);
        place.state = if fault == Fault::Exit { RealmState::Ended } else { RealmState::Faulted };
        let (maker, tag) = (place.maker, place.tag);
        if maker == 0 {
            self.stop(hal, if fault == Fault::Exit { Exit::RootEnded } else { Exit::RootFaulted });
            return;
        }
        let reporter = self.threads.at_mut(thread as usize);
        reporter.answer(0, 0);
        reporter.resume = Resume::Call;
        reporter.registers.words = [u64::from(tag), fault.number(), offset, address, detail, 0];
        reporter.badge = badge::EXPORT_SUPERVISOR << badge::EXPORT_SHIFT;
        reporter.peer = maker;
        if !self.realms.at(maker as usize).state.is_alive() {
            return;
        }
        if self.endpoints.at(maker as usize).receiver == NONE {
            self.threads.at_mut(thread as usize).state = ThreadState::Reporting;
            self.endpoints.at_mut(maker as usize).enqueue(&mut self.threads, thread);
        } else {
            self.endpoints.at_mut(maker as usize).receiver = NONE;
            self.deliver(hal, thread, maker);
            self.wake(maker);
        }
    }

    /// Whether an address lies in the guard page below the current thread's stack.
    pub fn is_stack_guard(&self, address: u64) -> bool {
        let program = self.realms.at(self.current as usize).program;
        self.programs.at(program as usize).get().is_some_and(|program| {
            let lowest = KERNEL_SLAB_BASE + STACK_TOP - program.stack_bytes;
            (lowest - PAGE..lowest).contains(&address)
        })
    }

    /// Ends the run.
    pub fn stop(&mut self, hal: &mut impl Hal, exit: Exit) {
        if self.options.verbose {
            self.print_frames(hal);
        }
        hal.stop(exit);
    }

    /// Where in its image a thread stopped: the call site where it stopped in the gate.
    fn fault_offset(&self, hal: &mut impl Hal, thread: u16) -> u64 {
        let registers = &self.thread(thread).registers;
        let here = registers.instruction.wrapping_sub(KERNEL_SLAB_BASE);
        if here & !(PAGE - 1) != GATE_PAGE {
            return here;
        }
        let number = (here - GATE_PAGE) as usize / sci::gate::STUB_BYTES;
        let saved = match sci::syscall::STUBS.get(number) {
            Some(Stub::Plain) => 0,
            Some(_) => STUB_SAVED_BYTES,
            None => return here,
        };
        let mut bytes = [0; 8];
        if !hal.user_read(self.thread(thread).space, registers.stack.wrapping_add(saved), &mut bytes) {
            return here;
        }
        // The return address lies behind the call.
        u64::from_le_bytes(bytes).wrapping_sub(KERNEL_SLAB_BASE + 1)
    }

    /// Takes a thread out of wherever it is.
    pub(crate) fn stop_thread(&mut self, hal: &mut impl Hal, index: u16) {
        let (state, peer, unfinished) = {
            let thread = self.thread(index);
            (thread.state, thread.peer, thread.unfinished)
        };
        match state {
            ThreadState::Ready => self.ready.remove(&mut self.threads, index),
            ThreadState::Calling => self.orphan(index, peer),
            ThreadState::Sending | ThreadState::Reporting => {
                self.endpoints.at_mut(peer as usize).remove(&mut self.threads, index);
            }
            ThreadState::Receiving => self.endpoints.at_mut(index as usize).receiver = NONE,
            ThreadState::Waiting => self.notifications.at_mut(peer as usize).waiter = NONE,
            ThreadState::Unused | ThreadState::Stopped | ThreadState::Running => {}
        }
        if unfinished != 0 && unfinished & UNFINISHED_REALM == 0 {
            let stamp = self.memories.at(unfinished as usize).stamp;
            self.memory_release(hal, unfinished, stamp);
        }
        let thread = self.threads.at_mut(index as usize);
        thread.state = ThreadState::Stopped;
        thread.unfinished = 0;
        thread.wake = 0;
    }

    /// The reply to a caller that is gone is owed to nobody.
    fn orphan(&mut self, caller: u16, server: u16) {
        let thread = self.threads.at_mut(server as usize);
        if thread.caller == caller {
            thread.caller = GHOST;
            return;
        }
        let endpoint = self.endpoints.at_mut(server as usize);
        for client in 0..CLIENTS_MAX as usize {
            let kept = endpoint.kept.at_mut(client);
            if *kept == caller {
                *kept = GHOST;
            }
        }
    }

    /// Tells everyone who waits for a realm that it is gone.
    fn fail_callers(&mut self, realm: u16) {
        let generation = self.realms.at(realm as usize).generation;
        let caller = core::mem::replace(&mut self.threads.at_mut(realm as usize).caller, NONE);
        self.fail_caller(caller, generation);
        for client in 0..CLIENTS_MAX as usize {
            let kept = self.endpoints.at_mut(realm as usize).kept.at_mut(client);
            let kept = core::mem::replace(kept, NONE);
            self.fail_caller(kept, generation);
        }
        while self.endpoints.at(realm as usize).queue != NONE {
            let first = self.endpoints.at(realm as usize).queue;
            self.endpoints.at_mut(realm as usize).remove(&mut self.threads, first);
            let thread = self.threads.at_mut(first as usize);
            if thread.state == ThreadState::Reporting {
                thread.state = ThreadState::Stopped;
            } else {
                thread.state = ThreadState::Calling;
                self.fail_caller(first, generation);
            }
        }
        self.endpoints.at_mut(realm as usize).pending = 0;
    }

    fn fail_caller(&mut self, caller: u16, generation: u64) {
        if caller != NONE && caller != GHOST {
            self.peer_gone(caller, generation);
            self.wake(caller);
        }
    }

    /// One step of killing a realm and everything below it; true when it is done.
    pub(crate) fn kill_step(&mut self, hal: &mut impl Hal, realm: u16) -> bool {
        if self.kill_child_step(hal, realm) {
            return false;
        }
        match self.realms.at(realm as usize).state {
            RealmState::Free | RealmState::Killed => true,
            RealmState::Releasing { again: false } => self.release_step(hal, realm),
            _ => {
                self.begin_release(hal, realm, false);
                false
            }
        }
    }

    /// One step of putting a realm back to its first state, except for building it again.
    pub(crate) fn reset_step(&mut self, hal: &mut impl Hal, realm: u16) -> bool {
        if self.kill_child_step(hal, realm) {
            return false;
        }
        if self.realms.at(realm as usize).state == (RealmState::Releasing { again: true }) {
            return self.release_step(hal, realm);
        }
        self.begin_release(hal, realm, true);
        false
    }

    /// One step of killing the first realm below; false when there is none.
    fn kill_child_step(&mut self, hal: &mut impl Hal, realm: u16) -> bool {
        let mut at = realm;
        while let Some(child) = self.first_child(at) {
            at = child;
        }
        if at == realm {
            return false;
        }
        if self.kill_step(hal, at) {
            self.free(at);
        }
        true
    }

    fn first_child(&self, realm: u16) -> Option<u16> {
        let is_child = |child: &Realm| child.maker == realm && child.state != RealmState::Free;
        (1..REALMS as u16).find(|&index| is_child(self.realms.at(index as usize)))
    }

    /// Stops a realm; from now on its memory is being returned.
    fn begin_release(&mut self, hal: &mut impl Hal, realm: u16, again: bool) {
        self.stop_thread(hal, realm);
        self.fail_callers(realm);
        self.lines_unbind(hal, realm);
        self.realms.at_mut(realm as usize).state = RealmState::Releasing { again };
    }

    /// Undoes one mapping, drops one capability, or returns some frames; true when nothing is left to do.
    fn release_step(&mut self, hal: &mut impl Hal, realm: u16) -> bool {
        let again = self.realms.at(realm as usize).state == (RealmState::Releasing { again: true });
        let goes = |mapping: &Mapping| mapping.realm == realm && !(again && mapping.window);
        let mapped = self.mappings.iter().find(|(_, mapping)| goes(mapping)).map(|(index, _)| index);
        if let Some(index) = mapped {
            self.unmap_memory(hal, index);
            return false;
        }
        if self.release_capability(hal, realm, again) {
            return false;
        }
        let place = self.realms.at_mut(realm as usize);
        if place.space != Space(0) {
            if !hal.space_release(place.space, FRAMES_A_STEP) {
                return false;
            }
            place.space = Space(0);
        }
        if !again {
            place.state = RealmState::Killed;
            if place.start_page != Frame(0) {
                hal.frame_return(core::mem::take(&mut place.start_page));
            }
        }
        true
    }

    /// Drops a realm's capabilities up to one to a Memory, whose frames may return; false when none was left.
    /// A realm that is built again keeps the required ones, also those it had given up.
    fn release_capability(&mut self, hal: &mut impl Hal, realm: u16, again: bool) -> bool {
        let area = self.area(realm);
        for slot in 0..area.count {
            let index = Capabilities::index(area, slot);
            let held = self.capabilities.0.at_mut(index);
            if again && slot < REQUIRED_SLOTS {
                held.kind &= !kind::DROPPED;
            } else if held.kind != kind::EMPTY {
                let held = self.capabilities.clear(index);
                self.release(hal, &held);
                if held.kind == kind::MEMORY {
                    return true;
                }
            }
        }
        false
    }

    /// The last handle to a realm may have gone: one that was killed has no further use.
    pub(crate) fn realm_abandoned(&mut self, realm: u16, stamp: u32) {
        let place = self.realms.at(realm as usize);
        if place.stamp == stamp && place.state == RealmState::Killed {
            self.free(realm);
        }
    }

    /// Frees a killed realm's index for another.
    pub(crate) fn free(&mut self, realm: u16) {
        let place = self.realms.at_mut(realm as usize);
        assert!(place.space == Space(0) && place.start_page == Frame(0), "a freed realm has no memory");
        *place = Realm { stamp: place.stamp.wrapping_add(1), ..Realm::FREE };
        let endpoint = self.endpoints.at_mut(realm as usize);
        endpoint.stamp = endpoint.stamp.wrapping_add(1);
        self.threads.at_mut(realm as usize).state = ThreadState::Unused;
    }
}
