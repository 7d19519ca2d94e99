//! What guests and hosts share: functions by number, and the instances themselves.

use crate::error::{Error, Trap};
use crate::function::{Caller, Function, Kind};
use crate::instance::Instance;
use crate::machine::{Reservation, Samples, Worker};
use crate::value::{FunctionType, Value};
use sci::linkage::CELL_BYTES;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the memory that holds the host's own globals.
const CELLS_BYTES: u64 = 64 * 1024;

pub(crate) struct Inner {
    pub functions: RefCell<Vec<Rc<Kind>>>,
    /// Numbers of guests' functions: instance, function.
    numbers: RefCell<HashMap<(usize, u32), u32>>,
    pub instances: RefCell<Vec<Rc<crate::instance::Inner>>>,
    /// Why the guest that runs must end, for whoever called it.
    pub trap: RefCell<Option<Trap>>,
    /// Calls of guests in progress, each called by a host function that the one before called.
    pub depth: Cell<u32>,
    /// Bounds of instances made from now on.
    pub limits: RefCell<Limits>,
    /// A guest ends that asks for more memory than is allowed.
    pub is_strict: Cell<bool>,
    /// Cells of the host's own globals, once there are some.
    cells: OnceCell<Reservation>,
    next_cell: Cell<u64>,
    worker: Worker,
    /// Where instances made from now on are sampled to.
    pub samples: RefCell<Option<Arc<Samples>>>,
}

/// What bounds instances.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub time: Option<Duration>,
    pub memory_bytes: Option<u64>,
    pub fuel: Option<u64>,
}

/// A set of instances that may reach each other's functions, tables, memories and globals; one thread's.
#[derive(Clone)]
pub struct Store(pub(crate) Rc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Store")
            .field("instances", &self.0.instances.borrow().len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// An empty set. The thread must not have another one.
    pub fn new() -> Result<Self, Error> {
        Ok(Self(Rc::new(Inner {
            functions: RefCell::default(),
            numbers: RefCell::default(),
            instances: RefCell::default(),
            trap: RefCell::default(),
            depth: Cell::new(0),
            limits: RefCell::default(),
            is_strict: Cell::new(false),
            cells: OnceCell::new(),
            next_cell: Cell::new(0),
            worker: Worker::new()?,
            samples: RefCell::default(),
        })))
    }

    /// Ticks, so that deadlines are noticed.
    pub fn tick(&self, period: Duration) -> Result<(), Error> {
        Ok(self.0.worker.arm(period)?)
    }

    /// Samples instances made from now on, as often as [`Store::tick`] ticks: their places are offsets in their
    /// module's text. Ticks that find no guest take none.
    pub fn sample(&self) -> Arc<Samples> {
        let samples = Arc::new(Samples::new());
        self.0.samples.replace(Some(Arc::clone(&samples)));
        samples
    }

    /// Bounds instances made from now on: time for each call from outside, bytes that a memory may have, and units of
    /// fuel, where the code counts them. Time is noticed only while [`Store::tick`] ticks.
    pub fn set_limits(&self, time: Option<Duration>, memory_bytes: Option<u64>, fuel: Option<u64>) {
        *self.0.limits.borrow_mut() = Limits { time, memory_bytes, fuel };
    }

    /// From now on a guest ends that asks for more memory than is allowed, where it would only be refused.
    pub fn be_strict(&self) {
        self.0.is_strict.set(true);
    }

    /// A function of the host.
    pub fn function(
        &self,
        ty: FunctionType,
        code: impl Fn(&Caller<'_>, &[Value]) -> Result<Vec<Value>, Trap> + 'static,
    ) -> Function {
        self.host(Kind::Host { ty, code: Box::new(code), entry: None })
    }

    /// Adds a function of the host.
    pub(crate) fn host(&self, kind: Kind) -> Function {
        Function { store: Rc::clone(&self.0), id: self.0.add(kind) }
    }

    /// The instance of a number.
    pub(crate) fn instance(&self, number: usize) -> Option<Instance> {
        let inner = self.0.instances.borrow().get(number).map(Rc::clone)?;
        Some(Instance { store: self.clone(), inner })
    }
}

impl Inner {
    fn add(&self, kind: Kind) -> u32 {
        let mut functions = self.functions.borrow_mut();
        functions.push(Rc::new(kind));
        functions.len() as u32 - 1
    }

    pub(crate) fn kind(&self, id: u32) -> Rc<Kind> {
        Rc::clone(&self.functions.borrow()[id as usize])
    }

    /// The number of a guest's function.
    pub(crate) fn number_of(&self, instance: usize, function: u32, ty: &FunctionType) -> u32 {
        if let Some(known) = self.numbers.borrow().get(&(instance, function)) {
            return *known;
        }
        let id = self.add(Kind::Guest { ty: ty.clone(), instance, function });
        self.numbers.borrow_mut().insert((instance, function), id);
        id
    }

    /// Cells of the host's own globals; none before the first.
    pub(crate) fn cells(&self) -> Option<&Reservation> {
        self.cells.get()
    }

    /// A new cell: its offset in `cells`.
    pub(crate) fn new_cell(&self) -> Option<u64> {
        if self.cells.get().is_none() {
            self.cells.set(Reservation::new(CELLS_BYTES, CELLS_BYTES).ok()?).ok()?;
        }
        let at = self.next_cell.get();
        self.next_cell.set(at + CELL_BYTES);
        (at + CELL_BYTES <= CELLS_BYTES).then_some(at)
    }
}
