//! The kernel's state, and how a call goes through it.
//!
//! [`Kernel`] owns every object. The machine enters with [`Kernel::call_fast`] and [`Kernel::reply_fast`],
//! which change nothing unless they succeed, or with [`Kernel::system_call`], whose arguments are in the
//! current thread's registers. After either, [`Kernel::current`] is the thread to run.
//!
//! A call that has to walk many pages does a bounded part of them, and answers [`Outcome::Restart`]: the
//! thread issues the same call again, with the object it works on in [`Thread::unfinished`].

use crate::admit::Admission;
use crate::capability::{Area, Capabilities, Capability, Handle, Miss, kind};
use crate::endpoint::Endpoint;
use crate::hal::Hal;
use crate::interrupt::Line;
use crate::memory::{Mapping, Memory};
use crate::notification::Notification;
use crate::program::ProgramSlot;
use crate::realm::Realm;
use crate::scheduler::{Ready, Threads};
use crate::table::{IMAGES, LINES, MAPPINGS, MEMORIES, NOTIFICATIONS, REALMS, Table};
use crate::thread::{NONE, Registers, Resume, Thread, ThreadState};
use sci::bundle::Bundle;
use sci::status::{Fault, Status};
use sci::syscall::number as call;

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answers a status and a value.
    Answer(Status, u64),
    /// Its results are in the thread's registers.
    Resumed,
    /// The thread waits.
    Blocked,
    /// There is more to do: the thread issues it again.
    Restart,
    /// The thread did what no correct image can: the fault, the address, the detail.
    Fault(Fault, u64, u64),
}

impl Outcome {
    /// Success without a value.
    pub const OK: Self = Self::Answer(Status::Ok, 0);

    /// A status that is not success.
    pub const fn refused(status: Status) -> Self {
        Self::Answer(status, 0)
    }
}

/// What boot options ask of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Print a line for every event.
    pub verbose: bool,
    /// Print the boot verification lines.
    pub check: bool,
    /// Print figures at the end.
    pub bench: bool,
}

/// Every object of the machine.
#[derive(Debug)]
pub struct Kernel {
    /// Every thread.
    pub threads: Threads,
    /// Every inbox, by realm.
    pub endpoints: Table<Endpoint, REALMS>,
    /// Every realm.
    pub realms: Table<Realm, REALMS>,
    /// Every realm's capabilities.
    pub capabilities: Capabilities,
    /// Threads that could run.
    pub ready: Ready,
    /// The thread that runs; 0 is the idle one.
    pub current: u16,
    /// Memory objects; index 0 is none.
    pub memories: Table<Memory, MEMORIES>,
    /// Where Memory objects are mapped.
    pub mappings: Table<Mapping, MAPPINGS>,
    /// Notifications; index 0 is none.
    pub notifications: Table<Notification, NOTIFICATIONS>,
    /// Admitted images.
    pub programs: Table<ProgramSlot, IMAGES>,
    /// The image that is being admitted.
    pub admission: Admission,
    /// Interrupt lines.
    pub lines: Table<Line, LINES>,
    /// When the first sleeping thread wakes; `u64::MAX` while none sleeps, 0 before the first does.
    pub wake_first: u64,
    /// What the signature, the digests and the contract rules took before root ran, by the time-stamp counter.
    pub checks_time: u64,
    /// The bundle in the boot module, once its signature was checked.
    pub bundle: Option<Bundle<'static>>,
    /// What the command line asks for.
    pub options: Options,
}

impl Kernel {
    /// A machine without objects.
    pub const fn new() -> Self {
        Self {
            threads: Table::new(Thread::UNUSED),
            endpoints: Table::new(Endpoint::EMPTY),
            realms: Table::new(Realm::FREE),
            capabilities: Capabilities::new(),
            ready: Ready::new(),
            current: NONE,
            memories: Table::new(Memory::FREE),
            mappings: Table::new(Mapping::FREE),
            notifications: Table::new(Notification::FREE),
            programs: Table::new(ProgramSlot::Free),
            admission: Admission::None,
            lines: Table::new(Line::UNBOUND),
            wake_first: 0,
            checks_time: 0,
            bundle: None,
            options: Options { verbose: false, check: false, bench: false },
        }
    }

    /// Carries out the call that the current thread's registers hold.
    pub fn system_call(&mut self, hal: &mut impl Hal) {
        let me = self.current;
        let registers = self.thread(me).registers;
        let outcome = self.dispatch(hal, &registers);
        match outcome {
            Outcome::Answer(status, value) => {
                let thread = self.threads.at_mut(me as usize);
                thread.unfinished = 0;
                thread.answer(status.number(), value);
            }
            Outcome::Resumed | Outcome::Blocked => {}
            Outcome::Restart => {
                let thread = self.threads.at_mut(me as usize);
                // The `syscall` instruction in the gate, with the registers it had.
                thread.registers.instruction = thread.registers.instruction.wrapping_sub(SYSCALL_BYTES);
            }
            Outcome::Fault(fault, address, detail) => {
                self.stop_faulted(hal, me, fault, address, detail);
            }
        }
        self.reschedule();
    }

    fn dispatch(&mut self, hal: &mut impl Hal, registers: &Registers) -> Outcome {
        let Registers { badge, method, value, fourth, generation, status: number, .. } = *registers;
        let arguments @ [first, second, third, ..] = [badge, method, value, fourth, generation];
        match u32::try_from(number).unwrap_or(u32::MAX) {
            call::ipc_call => self.ipc_call(hal, first, second, third),
            call::ipc_recv => self.ipc_recv(hal),
            call::ipc_reply_recv => self.ipc_reply_recv(hal, second),
            call::ipc_reply => self.ipc_reply(hal, first, second),
            call::notify_signal => self.notify_signal(first, second),
            call::notify_wait => self.notify_wait(hal, first, second, third),
            call::cap_mint => self.cap_mint(first, second, third),
            call::cap_drop => self.cap_drop(hal, first),
            call::cap_query => self.cap_query(hal, first, second, third),
            call::mem_create => self.mem_create(hal, first, second, third),
            call::mem_map => self.mem_map(hal, arguments),
            call::mem_unmap => self.mem_unmap(hal, first, second, third),
            call::image_admit => self.image_admit(hal, first, second, third),
            call::realm_create => self.realm_create(hal, first, second, third, fourth),
            call::realm_control => self.realm_control(hal, arguments),
            call::thread_control => self.thread_control(hal, first, second, (third, fourth)),
            call::irq_control => self.irq_control(hal, first, second, third),
            call::port_access => self.port_access(hal, arguments),
            other if sci::syscall::by_number(other).is_some() => Outcome::refused(Status::Unsupported),
            _ => Outcome::Fault(Fault::UnknownCall, registers.instruction, number),
        }
    }

    /// Lets the highest ready thread run if it outranks the current one or the current one stopped running.
    pub fn reschedule(&mut self) {
        let (state, rank) = {
            let thread = self.thread(self.current);
            (thread.state, thread.rank)
        };
        let runs = self.current != NONE && state == ThreadState::Running;
        if runs && self.ready.top <= rank {
            return;
        }
        if runs {
            self.ready.push_front(&mut self.threads, self.current);
        }
        self.dispatch_next();
    }

    /// The timer: wakes sleepers whose time has come, and gives the next of equal rank its turn.
    pub fn tick(&mut self, now: u64) {
        if now >= self.wake_first {
            self.wake_sleepers(now);
        }
        let thread = self.thread(self.current);
        if self.current == NONE || thread.state != ThreadState::Running {
            self.dispatch_next();
        } else if self.ready.top >= thread.rank {
            self.ready.push(&mut self.threads, self.current);
            self.dispatch_next();
        }
    }

    fn dispatch_next(&mut self) {
        self.current = self.ready.pop(&mut self.threads).unwrap_or(NONE);
        if self.current != NONE {
            self.threads.at_mut(self.current as usize).state = ThreadState::Running;
        }
    }

    /// Puts a thread that waits in no queue into the ready queue.
    pub(crate) fn wake(&mut self, thread: u16) {
        self.ready.push(&mut self.threads, thread);
    }

    /// A thread.
    pub fn thread(&self, index: u16) -> &Thread {
        self.threads.at(index as usize)
    }

    /// The realm of the current thread.
    pub(crate) fn here(&self) -> u16 {
        self.current
    }

    /// The slots of a realm.
    pub(crate) fn area(&self, realm: u16) -> Area {
        let thread = self.thread(realm);
        Area { first: thread.slots_first, count: thread.slots_count }
    }

    /// The current realm's capability of a handle, if it has the kind and every method of `mask`, and its
    /// object is still there.
    pub(crate) fn held(&self, handle: Handle, wanted: u32, mask: u64) -> Result<Capability, Outcome> {
        let held = self.held_any(handle)?;
        if held.kind != wanted {
            return Err(Outcome::Fault(Fault::WrongObject, handle, u64::from(held.kind)));
        }
        if mask & !held.mask != 0 {
            return Err(Outcome::Fault(Fault::MethodMask, handle, mask));
        }
        Ok(held)
    }

    /// The current realm's capability of a handle, if its object is still there.
    pub(crate) fn held_any(&self, handle: Handle) -> Result<Capability, Outcome> {
        let index = self.held_index(handle)?;
        let held = *self.capabilities.0.at(index);
        if self.stamp(held.kind, held.object) == held.stamp {
            Ok(held)
        } else {
            Err(Outcome::refused(Status::Revoked))
        }
    }

    /// Where the current realm's capability of a handle is.
    pub(crate) fn held_index(&self, handle: Handle) -> Result<usize, Outcome> {
        self.capabilities.find(self.area(self.here()), handle).map_err(|miss| match miss {
            Miss::Forged => Outcome::Fault(Fault::ForgedHandle, handle, 0),
            Miss::Revoked => Outcome::refused(Status::Revoked),
        })
    }

    /// The present stamp of an object.
    fn stamp(&self, of: u32, object: u32) -> u32 {
        let index = object as usize;
        match of {
            kind::ENDPOINT => self.endpoints.at(index).stamp,
            kind::CHILD => self.realms.at(index).stamp,
            kind::MEMORY => self.memories.at(index).stamp,
            kind::NOTIFICATION => self.notifications.at(index).stamp,
            _ => 0,
        }
    }

    /// Counts a new capability to its object.
    pub(crate) fn acquire(&mut self, capability: &Capability) {
        let index = capability.object as usize;
        match capability.kind {
            kind::MEMORY => self.memories.at_mut(index).references += 1,
            kind::NOTIFICATION => self.notifications.at_mut(index).references += 1,
            _ => {}
        }
    }

    /// Counts a capability that is gone, and its object with the last one.
    pub(crate) fn release(&mut self, hal: &mut impl Hal, capability: &Capability) {
        let index = capability.object as usize;
        match capability.kind & !kind::DROPPED {
            kind::MEMORY => self.memory_release(hal, capability.object, capability.stamp),
            kind::NOTIFICATION => {
                let notification = self.notifications.at_mut(index);
                if notification.stamp == capability.stamp {
                    notification.references -= 1;
                    if notification.references == 0 {
                        *notification = Notification::free_after(notification.stamp);
                    }
                }
            }
            kind::CHILD => self.realm_abandoned(capability.object as u16, capability.stamp),
            _ => {}
        }
    }

    /// Gives the current realm a capability; `None` when its slots are used up.
    pub(crate) fn give(&mut self, realm: u16, capability: Capability) -> Option<Handle> {
        let area = self.area(realm);
        let slot = self.capabilities.free_slot(area)?;
        self.acquire(&capability);
        Some(self.capabilities.put(area, slot, capability))
    }

    /// Answers a new handle to `capability`, or that the realm has no slot for it.
    pub(crate) fn give_here(&mut self, capability: Capability) -> Outcome {
        match self.give(self.here(), capability) {
            Some(handle) => Outcome::Answer(Status::Ok, handle),
            None => Outcome::refused(Status::Quota),
        }
    }

    /// Makes a thread's registers those of a first start.
    pub(crate) fn prepare(&mut self, index: u16, entry: u64, stack: u64, argument: u64) {
        let thread = self.threads.at_mut(index as usize);
        thread.registers = Registers { stack, instruction: entry, badge: argument, ..Registers::default() };
        thread.resume = Resume::Call;
        thread.caller = NONE;
        thread.unfinished = 0;
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of the `syscall` instruction.
const SYSCALL_BYTES: u64 = 2;
