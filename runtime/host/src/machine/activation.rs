//! Calls of guest functions: entry, nesting, suspended guests.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use sci::layout::STACK_TOP;

use super::context::{Context, FrameLine};
use super::gate;
use super::import::{Arguments, Imports, Results};
use super::interrupt::{Interrupter, Interruption, Limits, due};
use super::mapping::MapError;
use super::record::{Level, Record, Trap, event};
use super::sample::Samples;
use super::slab::Slab;
use super::worker::frame_bytes;

/// Bytes below rsp that interrupted code may use.
const RED_ZONE: u64 = 128;
const STACK_ALIGNMENT: u64 = 16;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function returned. Floats hold its results only after [`Activation::call_floats`].
    Returned(Results),
    /// It faulted; its frames are gone.
    Trapped(Trap),
    /// A host function asked for this; the guest's frames are gone.
    HostTrap(u32),
    /// It was ended from outside; its frames are gone.
    Interrupted(Interruption),
    /// A tick suspended it: [`Activation::resume`].
    Preempted,
    /// A host function suspended it: [`Activation::resume`] or [`Activation::resume_with`].
    Parked,
}

/// An activation for which the guest of the same slab that called it waits cannot be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no guest of this instance can be suspended here")]
pub struct NotSuspendable;

/// There is nothing to resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no guest of this instance is suspended so")]
pub struct NotSuspended;

/// The program imports more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program imports {wanted} functions, there are {given}")]
pub struct TooFewImports {
    wanted: usize,
    given: usize,
}

/// A guest that waits.
#[derive(Clone, Copy)]
enum Suspended {
    /// At a host call; rsp there, and the call's results.
    Parked { stack: u64, results: Results },
    /// Anywhere; rsp there. Its registers are in the activation's frame.
    Preempted { stack: u64 },
}

/// How to go into a guest.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Call {
        address: u64,
        arguments: &'a [u64; 6],
    },
    CallFloats {
        address: u64,
        arguments: &'a Arguments,
    },
    /// Where the gate saved it.
    Gate,
    /// Where a tick saved it.
    Frame,
}

/// A slab with its host functions: an instance that can be called.
///
/// At most one of its guests is suspended at a time. Whatever is called meanwhile, or from one of its own host
/// functions, runs on the stack below, cannot be suspended, and so is over before the other goes on.
#[repr(C)]
pub struct Activation {
    pub(super) record: Record,
    slab: Slab,
    imports: Arc<Imports>,
    context: Box<dyn Any + Send>,
    /// Levels in progress.
    depth: Cell<u32>,
    suspended: Cell<Option<Suspended>>,
    frame: RefCell<Vec<FrameLine>>,
}

// SAFETY: while it moves nothing is entered, so that the record's pointers to levels are null; the others lead to
// what it owns or shares, which is `Send`.
unsafe impl Send for Activation {}

impl Activation {
    /// Links a slab with host functions; `context` is for these.
    pub fn new(
        slab: Slab,
        imports: Arc<Imports>,
        context: Box<dyn Any + Send>,
    ) -> Result<Self, TooFewImports> {
        let (wanted, given) = (slab.program().imports(), imports.len());
        if given < wanted {
            return Err(TooFewImports { wanted, given });
        }
        let layout = slab.program().layout();
        let base = slab.base();
        let text = base + layout.text.start..base + layout.text.end;
        let guard = base + layout.stack.start - sci::layout::PAGE..base + layout.stack.start;
        let record = Record::new(imports.table(), text, guard, base + STACK_TOP);
        let (depth, suspended, frame) = (Cell::new(0), Cell::new(None), RefCell::default());
        Ok(Self { record, slab, imports, context, depth, suspended, frame })
    }

    /// Hands `then` the activation that this thread is in; none outside host functions.
    #[inline]
    pub fn with_current<T>(then: impl FnOnce(&Self) -> T) -> Option<T> {
        let current = ptr::with_exposed_provenance::<Self>(gate::activation() as usize);
        // SAFETY: the word is null, or an activation that the frame which entered it borrows.
        unsafe { current.as_ref() }.map(then)
    }

    /// Its address space.
    pub fn slab(&self) -> &Slab {
        &self.slab
    }

    /// Its host functions.
    pub fn imports(&self) -> &Arc<Imports> {
        &self.imports
    }

    /// What it was made with.
    pub fn context(&self) -> &(dyn Any + Send) {
        &*self.context
    }

    /// The data of the host function called last, for a function of [`Imports::push_typed`]: read it before calling
    /// a guest.
    pub fn import_data(&self) -> *mut () {
        // SAFETY: null, or an entry of the imports' table.
        unsafe { self.record.entry.get().as_ref() }.map_or(ptr::null_mut(), |entry| entry.data)
    }

    /// Calls the guest function at `entry`, an offset from the slab's base, with integers only.
    ///
    /// # Safety
    /// A function of the image begins at `entry`, and its signature takes no floats.
    #[inline]
    pub unsafe fn call(&self, entry: u64, arguments: &[u64; 6]) -> Outcome {
        let address = self.slab.base().wrapping_add(entry);
        // SAFETY: the caller vouches for the function.
        unsafe { self.enter_fresh(Entry::Call { address, arguments }) }
    }

    /// Calls the guest function at `entry`, an offset from the slab's base.
    ///
    /// # Safety
    /// A function of the image begins at `entry`.
    pub unsafe fn call_floats(&self, entry: u64, arguments: &Arguments) -> Outcome {
        let address = self.slab.base().wrapping_add(entry);
        // SAFETY: the caller vouches for the function.
        unsafe { self.enter_fresh(Entry::CallFloats { address, arguments }) }
    }

    /// Goes on with the suspended guest, on any worker.
    pub fn resume(&self) -> Result<Outcome, NotSuspended> {
        if self.depth.get() != 0 {
            return Err(NotSuspended);
        }
        let entry = match self.suspended.take().ok_or(NotSuspended)? {
            Suspended::Parked { stack, results } => {
                self.record.stack.set(stack);
                self.record.ints.set(results.ints);
                self.record.floats.set(results.floats);
                Entry::Gate
            }
            Suspended::Preempted { stack } => {
                self.record.stack.set(stack);
                let frame = self.record.frame.get().cast::<Context>();
                // SAFETY: a tick saved a context in the frame, which is the activation's, and nobody's now.
                unsafe { &mut *frame }.adopt();
                Entry::Frame
            }
        };
        // SAFETY: what was suspended goes on where it was.
        Ok(unsafe { self.enter(entry, true) })
    }

    /// Goes on with the parked guest; its host call returns `results`.
    pub fn resume_with(&self, results: Results) -> Result<Outcome, NotSuspended> {
        match self.suspended.get() {
            Some(Suspended::Parked { stack, .. }) => {
                self.suspended.set(Some(Suspended::Parked { stack, results }));
                self.resume()
            }
            _ => Err(NotSuspended),
        }
    }

    /// From now on, ticks that meet its guest leave a sample; the first to be asked for stay.
    pub(crate) fn sample(&self, samples: Arc<Samples>) {
        let _ = self.record.samples.set(samples);
    }

    /// Whether a call is in progress, suspended or not.
    pub fn is_busy(&self) -> bool {
        self.depth.get() != 0 || self.is_suspended()
    }

    /// Whether a guest is suspended.
    pub fn is_suspended(&self) -> bool {
        self.suspended.get().is_some()
    }

    /// Forgets the suspended guest.
    pub fn abandon(&self) -> Result<(), NotSuspended> {
        if self.depth.get() != 0 {
            return Err(NotSuspended);
        }
        self.suspended.take().map(drop).ok_or(NotSuspended)
    }

    /// In a host function: suspend the guest when this function returns.
    pub fn park(&self) -> Result<(), NotSuspendable> {
        if self.depth.get() == 0 || !self.record.is_suspendable.get() {
            return Err(NotSuspendable);
        }
        self.record.request.set(event::PARKED);
        Ok(())
    }

    /// In a host function: end the guest when this function returns.
    pub fn trap(&self, code: u32) {
        if self.depth.get() != 0 {
            self.record.host_trap.set(code);
            self.record.request.set(event::HOST_TRAP);
        }
    }

    /// Whether ticks suspend the guest, rather than only look whether it must end.
    pub fn set_preemptible(&self, is_preemptible: bool) {
        let mut frame = self.frame.borrow_mut();
        if is_preemptible && frame.is_empty() {
            // The kernel's frame and the aligned place of the state in ours.
            let bytes = frame_bytes() + 1024;
            frame.resize(bytes.div_ceil(size_of::<FrameLine>()), FrameLine::EMPTY);
            self.record.frame_lines.set(frame.len());
            self.record.frame.set(frame.as_mut_ptr());
        }
        self.record.is_preemptible.set(is_preemptible);
    }

    /// Ends the guest when the time is past and a tick comes.
    pub fn set_deadline(&self, after: Option<Duration>) {
        self.record.limits.set_deadline(after);
    }

    /// Ends the guest when it and what it calls have used so much processor time and a tick comes.
    pub fn set_cpu_budget(&self, budget: Option<Duration>) {
        self.record.limits.set_cpu_budget(budget, self.depth.get() != 0);
    }

    /// A handle by which other threads end the guest.
    pub fn interrupter(&self) -> Interrupter {
        self.record.limits.interrupter()
    }

    /// Makes it as it was when new: nothing is suspended, no limit holds, old interrupters reach nobody.
    pub fn reset(&mut self) -> Result<(), MapError> {
        self.suspended.set(None);
        self.record.limits = Limits::default();
        self.record.is_preemptible.set(false);
        self.slab.reset()
    }

    /// Gives the slab back, as it is.
    pub fn into_slab(self) -> Slab {
        self.slab
    }

    /// # Safety
    /// As for [`Activation::call_floats`].
    #[inline]
    unsafe fn enter_fresh(&self, entry: Entry<'_>) -> Outcome {
        let record = &self.record;
        if self.depth.get() == 0 && self.suspended.get().is_none() {
            record.top.set(self.slab.base() + STACK_TOP);
            // SAFETY: the caller vouches for the function.
            return unsafe { self.enter(entry, true) };
        }
        // SAFETY: as above.
        unsafe { self.enter_below(entry) }
    }

    /// Enters on the stack below a guest of the same slab.
    ///
    /// # Safety
    /// As for [`Activation::call_floats`].
    #[cold]
    unsafe fn enter_below(&self, entry: Entry<'_>) -> Outcome {
        let record = &self.record;
        let waiting = match self.suspended.get() {
            _ if self.depth.get() != 0 => record.stack.get(),
            Some(Suspended::Preempted { stack }) => stack - RED_ZONE,
            Some(Suspended::Parked { stack, .. }) => stack,
            None => self.slab.base() + STACK_TOP,
        };
        let top = waiting / STACK_ALIGNMENT * STACK_ALIGNMENT;
        let layout = self.slab.program().layout();
        if top - (self.slab.base() + layout.stack.start) < layout.stack_reserve {
            let trap = Trap { signal: libc::SIGSEGV, offset: None, address: top, is_stack_overflow: true };
            return Outcome::Trapped(trap);
        }
        record.top.set(top);
        let (stack, last, request, is_suspendable) = (
            record.stack.get(),
            record.entry.get(),
            record.request.replace(event::RETURNED),
            record.is_suspendable.get(),
        );
        let host_trap = record.host_trap.get();
        // SAFETY: the caller vouches for the function.
        let outcome = unsafe { self.enter(entry, false) };
        record.stack.set(stack);
        record.entry.set(last);
        record.request.set(request);
        record.host_trap.set(host_trap);
        record.is_suspendable.set(is_suspendable);
        outcome
    }

    /// Keeps the books of one level: who is outside, which thread, what clock.
    ///
    /// # Safety
    /// `entry` leads into the image, and the record holds the stack for it.
    #[inline]
    unsafe fn enter(&self, entry: Entry<'_>, is_suspendable: bool) -> Outcome {
        let record = &self.record;
        let thread = gate::thread();
        assert!(thread != 0, "a thread that enters a guest holds a worker");
        let outer = Self::with_current(|outer| outer.record.level.get()).unwrap_or(ptr::null());
        let level = Level { activation: self, outer, ticked: Cell::new(false) };
        let depth = self.depth.get();
        let previous = record.level.replace(&raw const level);
        self.depth.set(depth + 1);
        record.is_suspendable.set(is_suspendable);
        if depth == 0 {
            record.limits.start_clock();
        }
        record.limits.control().set_thread(thread);
        let outcome = match record.limits.control().killed() {
            Some(killed) => Outcome::Interrupted(killed),
            // SAFETY: as the caller vouches; the level stands.
            None => unsafe { self.run(entry, &level) },
        };
        if depth == 0 {
            record.limits.stop_clock();
        }
        self.depth.set(depth);
        record.level.set(previous);
        if level.ticked.get() && !outer.is_null() {
            // The tick may have been for those outside.
            gate::set_pending(1);
        }
        outcome
    }

    /// Runs the guest until it is left for good or suspended.
    ///
    /// # Safety
    /// As for [`Activation::enter`], and `level` is the innermost.
    #[inline]
    unsafe fn run(&self, mut entry: Entry<'_>, level: &Level) -> Outcome {
        let record = &self.record;
        loop {
            let activation = ptr::from_ref(self);
            activation.expose_provenance();
            let activation = activation.cast();
            // SAFETY: the thread is a worker, `entry` leads into the image, and the record holds what it needs.
            let words = unsafe {
                match entry {
                    Entry::Call { address, arguments } => gate::call(activation, address, arguments),
                    Entry::CallFloats { address, arguments } => {
                        gate::call_floats(activation, address, arguments)
                    }
                    Entry::Gate => gate::resume(activation),
                    Entry::Frame => gate::resume_frame(activation),
                }
            };
            if record.event.get() == event::RETURNED {
                let floats = record.floats.get();
                return Outcome::Returned(Results { ints: [words.0, words.1], floats });
            }
            match self.left(entry, level) {
                Ok(outcome) => return outcome,
                Err(again) => entry = again,
            }
        }
    }

    /// The guest was left other than by returning: how the call ends, or how it goes on.
    #[cold]
    fn left<'a>(&self, entry: Entry<'a>, level: &Level) -> Result<Outcome, Entry<'a>> {
        let record = &self.record;
        // An outer level of this activation may still return.
        let why = record.event.replace(event::RETURNED);
        match why {
            event::BAILED | event::PENDING => {
                // First forget, then look: what comes in between is seen twice, never missed.
                gate::set_pending(0);
                level.ticked.set(true);
                if let Some(interruption) = due(level) {
                    return Ok(Outcome::Interrupted(interruption));
                }
                if why == event::BAILED {
                    return Err(entry);
                }
                if record.is_preemptible.get() && record.is_suspendable.get() {
                    self.suspended.set(Some(self.parked()));
                    return Ok(Outcome::Preempted);
                }
                Err(Entry::Gate)
            }
            event::PARKED => {
                self.suspended.set(Some(self.parked()));
                Ok(Outcome::Parked)
            }
            event::HOST_TRAP => Ok(Outcome::HostTrap(record.host_trap.get())),
            event::PREEMPTED => {
                self.suspended.set(Some(Suspended::Preempted { stack: record.stack.get() }));
                Ok(Outcome::Preempted)
            }
            event::INTERRUPTED => match record.interruption.take() {
                Some(interruption) => Ok(Outcome::Interrupted(interruption)),
                None => unreachable!("the handler says why"),
            },
            _ => match record.trap.take() {
                Some(trap) => Ok(Outcome::Trapped(trap)),
                None => unreachable!("the handler says what"),
            },
        }
    }

    /// What the gate saved.
    fn parked(&self) -> Suspended {
        let record = &self.record;
        let results = Results { ints: record.ints.get(), floats: record.floats.get() };
        Suspended::Parked { stack: record.stack.get(), results }
    }
}

impl std::fmt::Debug for Activation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Activation").field("slab", &self.slab).finish_non_exhaustive()
    }
}
