//! What a supervisor does: admit images, make realms, grant, connect, start, stop; and thread control.

use crate::Area;
use crate::admit::Admitted;
use crate::build::{Step, entry_of};
use crate::capability::{Capability, Handle, REQUIRED_SLOTS, kind};
use crate::endpoint::Endpoint;
use crate::exit::Exit;
use crate::hal::Hal;
use crate::kernel::{Kernel, Outcome};
use crate::life::UNFINISHED_REALM;
use crate::memory::Mapping;
use crate::program::Requirement;
use crate::realm::{Realm, RealmState};
use crate::table::REALMS;
use crate::thread::{Thread, ThreadState};
use sci::layout::{KERNEL_SLAB_BASE, PAGE, STACK_TOP, START_PAGE, badge, start};
use sci::limits::{
    CAPABILITIES_MAX, CLIENTS_MAX, EXPORTS_MAX, PARAMETERS_MAX, PRIORITY_MAX, WINDOW_BYTES_MAX,
};
use sci::status::{Fault, Status};
use sci::syscall::{realm_operation as operation, thread_operation};

/// Every method of a notification.
const NOTIFICATION_METHODS: u64 = 0b11;
/// Every method of a program, and of a child.
const PROGRAM_METHODS: u64 = 1;
const CHILD_METHODS: u64 = (1 << (operation::QUOTA + 1)) - 1;
/// The bit of a notification that reaches no inbox.
const NO_BIT: u64 = 64;

impl Kernel {
    pub(crate) fn image_admit(
        &mut self,
        hal: &mut impl Hal,
        authority: Handle,
        index: u64,
        memory: Handle,
    ) -> Outcome {
        if let Err(outcome) = self.held(authority, kind::IMAGE, 1) {
            return outcome;
        }
        if memory != 0 {
            return Outcome::refused(Status::Unsupported);
        }
        match self.admit_step(hal, index) {
            Admitted::Program(program) => {
                let capability = Capability::new(kind::PROGRAM, u32::from(program), 0, PROGRAM_METHODS);
                self.give_here(capability)
            }
            Admitted::More => Outcome::Restart,
            Admitted::Not(status, value) => Outcome::Answer(status, value),
        }
    }

    pub(crate) fn realm_create(
        &mut self,
        hal: &mut impl Hal,
        authority: Handle,
        program: Handle,
        tag: u64,
        priority: u64,
    ) -> Outcome {
        let me = self.current;
        let unfinished = self.thread(me).unfinished;
        let realm = if unfinished == 0 {
            let program =
                match self.held(authority, kind::REALM, 1).and_then(|_| self.held(program, kind::PROGRAM, 0))
                {
                    Ok(program) => program,
                    Err(outcome) => return outcome,
                };
            let runs =
                self.programs.at(program.object as usize).get().is_some_and(|program| program.entry != 0);
            if !runs || priority > u64::from(PRIORITY_MAX) || tag > u64::from(u32::MAX) {
                return Outcome::refused(Status::Argument);
            }
            if priority as u32 + 1 > self.thread(me).rank {
                return Outcome::refused(Status::Authority);
            }
            let Some(realm) = self.realm_new(program.object as u16, me, tag as u32, priority as u8) else {
                return Outcome::refused(Status::Quota);
            };
            self.threads.at_mut(me as usize).unfinished = UNFINISHED_REALM | u32::from(realm);
            realm
        } else {
            unfinished as u16
        };
        match self.build_or_undo(hal, realm) {
            Step::More => Outcome::Restart,
            Step::Exhausted => Outcome::refused(Status::Quota),
            Step::Done => {
                let stamp = self.realms.at(realm as usize).stamp;
                let child = Capability::new(kind::CHILD, u32::from(realm), stamp, CHILD_METHODS);
                self.give_here(child)
            }
        }
    }

    /// Builds a new realm, or undoes one for which no frame was left.
    fn build_or_undo(&mut self, hal: &mut impl Hal, realm: u16) -> Step {
        if let RealmState::Building(_) = self.realms.at(realm as usize).state {
            match self.build_step(hal, realm) {
                Step::Exhausted => {}
                step => return step,
            }
        }
        if !self.kill_step(hal, realm) {
            return Step::More;
        }
        self.free(realm);
        Step::Exhausted
    }

    /// A realm that has nothing yet.
    pub(crate) fn realm_new(&mut self, program: u16, maker: u16, tag: u32, priority: u8) -> Option<u16> {
        let is_free = |index: &u16| self.realms.at(*index as usize).state == RealmState::Free;
        let realm = (1..REALMS as u16 - 1).find(is_free)?;
        let place = self.realms.at_mut(realm as usize);
        *place =
            Realm { state: RealmState::Building(0), maker, program, tag, stamp: place.stamp, ..Realm::FREE };
        let area = Area::of(u32::from(realm));
        *self.threads.at_mut(realm as usize) = Thread {
            state: ThreadState::Stopped,
            rank: u32::from(priority) + 1,
            slots_first: area.first,
            slots_count: area.count,
            ..Thread::UNUSED
        };
        let endpoint = self.endpoints.at_mut(realm as usize);
        *endpoint = Endpoint { stamp: endpoint.stamp, ..Endpoint::EMPTY };
        Some(realm)
    }

    pub(crate) fn realm_control(&mut self, hal: &mut impl Hal, arguments: [u64; 5]) -> Outcome {
        let [handle, operation, a, b, c] = arguments;
        if operation > operation::QUOTA {
            return Outcome::refused(Status::Argument);
        }
        let realm = match self.held(handle, kind::CHILD, 1 << operation) {
            Ok(child) => child.object as u16,
            Err(outcome) => return outcome,
        };
        let state = self.realms.at(realm as usize).state;
        let prepares = !matches!(operation, operation::KILL | operation::RESET | operation::STATE);
        if prepares && state != RealmState::New {
            return Outcome::refused(Status::Busy);
        }
        let done = match operation {
            operation::GRANT => self.grant(hal, realm, a, b, c),
            operation::CONNECT => self.connect(hal, realm, a, b, c),
            operation::WINDOW => {
                let place = entry_of(a as u32) + start::ENTRY_WINDOW;
                self.window(hal, realm, (a, u64::from(CAPABILITIES_MAX), place), b, c)
            }
            operation::CLIENT_WINDOW => {
                let place = start::CLIENT_WINDOWS + start::CLIENT_WINDOW_BYTES * (a & 0xff);
                self.window(hal, realm, (a, u64::from(CLIENTS_MAX), place), b, c)
            }
            operation::PARAMETER => self.parameter(hal, realm, a, b),
            operation::START => {
                self.start(realm);
                Ok(0)
            }
            operation::KILL if state == RealmState::Killed => Ok(0),
            operation::KILL => return self.step(Self::kill_step, hal, realm),
            operation::RESET => return self.reset(hal, realm),
            operation::STATE => Ok(state.number()),
            operation::NOTIFICATION => self.install_notification(hal, realm, a, b),
            operation::QUOTA => {
                self.realms.at_mut(realm as usize).memory_left = a.min(u64::from(u32::MAX)) as u32;
                Ok(0)
            }
            _ => Err(Outcome::refused(Status::Argument)),
        };
        match done {
            Ok(value) => Outcome::Answer(Status::Ok, value),
            Err(outcome) => outcome,
        }
    }

    fn step<H: Hal>(&mut self, step: fn(&mut Self, &mut H, u16) -> bool, hal: &mut H, realm: u16) -> Outcome {
        if step(self, hal, realm) { Outcome::OK } else { Outcome::Restart }
    }

    fn reset(&mut self, hal: &mut impl Hal, realm: u16) -> Outcome {
        match self.realms.at(realm as usize).state {
            RealmState::Killed | RealmState::Releasing { again: false } => {
                return Outcome::refused(Status::Busy);
            }
            RealmState::Building(_) => match self.build_step(hal, realm) {
                Step::Done => return Outcome::OK,
                Step::More => {}
                Step::Exhausted => {
                    // It stays without memory; its maker can kill it or try again.
                    self.realms.at_mut(realm as usize).state = RealmState::Faulted;
                    return Outcome::refused(Status::Quota);
                }
            },
            _ => {
                if self.reset_step(hal, realm) {
                    self.realms.at_mut(realm as usize).state = RealmState::Building(0);
                }
            }
        }
        Outcome::Restart
    }

    /// What a realm's manifest says of a required capability.
    fn requirement(&self, realm: u16, slot: u64) -> Result<Requirement, Outcome> {
        self.contract(realm)
            .and_then(|program| program.required(slot))
            .ok_or(Outcome::refused(Status::Argument))
    }

    /// Puts a capability in a required slot, in place of what was there.
    pub(crate) fn install(&mut self, hal: &mut impl Hal, realm: u16, slot: u32, capability: Capability) {
        assert!(slot < REQUIRED_SLOTS, "required capabilities have their own slots");
        let area = self.area(realm);
        let before = self.capabilities.clear(crate::capability::Capabilities::index(area, slot));
        self.acquire(&capability);
        self.release(hal, &before);
        let handle = self.capabilities.put(area, slot, capability);
        self.set_start(hal, realm, entry_of(slot) + start::ENTRY_HANDLE, handle);
    }

    fn grant(
        &mut self,
        hal: &mut impl Hal,
        realm: u16,
        slot: u64,
        handle: Handle,
        mask: u64,
    ) -> Result<u64, Outcome> {
        let required = self.requirement(realm, slot)?;
        let held = self.held_any(handle)?;
        let fits = match required.interface {
            0 => held.kind == kind::ENDPOINT,
            number => held.kind == u32::from(number) || held.kind == kind::ENDPOINT,
        };
        if !fits {
            return Err(Outcome::refused(Status::Argument));
        }
        if required.mask & mask & !held.mask != 0 {
            return Err(Outcome::refused(Status::Authority));
        }
        self.install(hal, realm, slot as u32, held.attenuated(required.mask & mask));
        Ok(0)
    }

    fn connect(
        &mut self,
        hal: &mut impl Hal,
        realm: u16,
        slot: u64,
        server: Handle,
        export: u64,
    ) -> Result<u64, Outcome> {
        let required = self.requirement(realm, slot)?;
        let server = self.held(server, kind::CHILD, 1 << operation::CONNECT)?;
        if export >= u64::from(EXPORTS_MAX) {
            return Err(Outcome::refused(Status::Argument));
        }
        let place = self.realms.at_mut(server.object as usize);
        if place.clients >= CLIENTS_MAX {
            return Err(Outcome::refused(Status::Quota));
        }
        let client = place.clients;
        place.clients += 1;
        let stamp = self.endpoints.at(server.object as usize).stamp;
        let mut made = Capability::new(kind::ENDPOINT, server.object, stamp, required.mask);
        made.badge = badge::of(export as u32, client);
        self.install(hal, realm, slot as u32, made);
        Ok(u64::from(client))
    }

    /// Maps a channel's window and writes its address and size into the start page.
    fn window(
        &mut self,
        hal: &mut impl Hal,
        realm: u16,
        entry: (u64, u64, u64),
        memory: Handle,
        bytes: u64,
    ) -> Result<u64, Outcome> {
        let (index, bound, place) = entry;
        let held = self.held(memory, kind::MEMORY, 1)?;
        let pages = bytes.div_ceil(PAGE);
        let there = u64::from(self.memories.at(held.object as usize).pages);
        if index >= bound || bytes == 0 || bytes > u64::from(WINDOW_BYTES_MAX) || pages > there {
            return Err(Outcome::refused(Status::Argument));
        }
        let address = self.window_place(realm, pages);
        let mapping = Mapping {
            realm,
            window: true,
            writable: true,
            memory: held.object,
            first: 0,
            pages: pages as u32,
            address,
        };
        self.map_memory(hal, mapping).map_err(Outcome::refused)?;
        self.set_start(hal, realm, place, address);
        self.set_start(hal, realm, place + 8, bytes);
        Ok(address)
    }

    /// Addresses for a window: below the image, and below the windows before it.
    pub(crate) fn window_place(&mut self, realm: u16, pages: u64) -> u64 {
        let place = self.realms.at_mut(realm as usize);
        place.windows_end -= pages * PAGE;
        place.windows_end
    }

    /// Sets a parameter in a realm's start page.
    pub(crate) fn parameter(
        &mut self,
        hal: &mut impl Hal,
        realm: u16,
        index: u64,
        value: u64,
    ) -> Result<u64, Outcome> {
        if index >= u64::from(PARAMETERS_MAX) {
            return Err(Outcome::refused(Status::Argument));
        }
        let page = self.realms.at(realm as usize).start_page;
        let mut count = [0; 4];
        hal.frame_read(page, start::PARAMETER_COUNT, &mut count);
        let count = u32::from_le_bytes(count).max(index as u32 + 1);
        hal.frame_write(page, start::PARAMETER_COUNT, &count.to_le_bytes());
        self.set_start(hal, realm, start::PARAMETERS + index * 8, value);
        Ok(0)
    }

    fn install_notification(
        &mut self,
        hal: &mut impl Hal,
        realm: u16,
        slot: u64,
        bit: u64,
    ) -> Result<u64, Outcome> {
        let required = self.requirement(realm, slot)?;
        if u32::from(required.interface) != kind::NOTIFICATION || bit > NO_BIT {
            return Err(Outcome::refused(Status::Argument));
        }
        let (inbox, bits) = if bit == NO_BIT { (0, 0) } else { (realm, 1 << bit) };
        let (object, stamp) = self.notification_new(inbox, bits).ok_or(Outcome::refused(Status::Quota))?;
        let made = Capability::new(kind::NOTIFICATION, object, stamp, NOTIFICATION_METHODS & required.mask);
        self.install(hal, realm, slot as u32, made);
        Ok(0)
    }

    /// Makes a new realm's thread ready.
    pub(crate) fn start(&mut self, realm: u16) {
        let program = self.realms.at(realm as usize).program;
        let entry = self.programs.at(program as usize).get().map_or(0, |program| program.entry);
        // As if called: a zero return address lies on the stack.
        let stack = KERNEL_SLAB_BASE + STACK_TOP - 8;
        self.prepare(realm, entry, stack, KERNEL_SLAB_BASE + START_PAGE);
        self.realms.at_mut(realm as usize).state = RealmState::Running;
        self.wake(realm);
    }

    /// The realm that a call means: 0 is the caller's own.
    pub(crate) fn realm_argument(&self, handle: Handle, method: u64) -> Result<u16, Outcome> {
        if handle == 0 {
            return Ok(self.here());
        }
        self.held(handle, kind::CHILD, 1 << method).map(|child| child.object as u16)
    }

    pub(crate) fn thread_control(
        &mut self,
        hal: &mut impl Hal,
        handle: Handle,
        what: u64,
        (a, b): (u64, u64),
    ) -> Outcome {
        let me = self.current;
        match what {
            thread_operation::EXIT => Outcome::Fault(Fault::Exit, 0, a),
            thread_operation::YIELD => {
                let thread = self.threads.at_mut(me as usize);
                thread.answer(Status::Ok.number(), 0);
                if self.ready.top >= thread.rank {
                    self.ready.push(&mut self.threads, me);
                }
                Outcome::Resumed
            }
            thread_operation::TIME => match self.held(handle, kind::CLOCK, 1) {
                Ok(_) => Outcome::Answer(Status::Ok, hal.now()),
                Err(outcome) => outcome,
            },
            thread_operation::FAULT => {
                let fault = Fault::from_number(a).filter(|fault| *fault != Fault::Exit);
                Outcome::Fault(fault.unwrap_or(Fault::Exception), b, a)
            }
            thread_operation::STOP => match self.held(handle, kind::MACHINE, 1) {
                Ok(_) => {
                    self.threads.at_mut(me as usize).state = ThreadState::Stopped;
                    self.stop(hal, Exit::Root(a as u32));
                    Outcome::Blocked
                }
                Err(outcome) => outcome,
            },
            _ => Outcome::refused(Status::Argument),
        }
    }
}
