//! One space, from its image to its end.

use super::bind::{Served, bind, shape};
use super::machine::{BackEnds, Clock, Line, Machine};
use crate::data::Store as Values;
use crate::imports::ImportError;
use crate::launch::Texts;
use crate::lifecycle::{self, LifecycleError};
use crate::space::{Grants, Space};
use crate::world::World;
use sci::guest::MEMORY_EXPORT;
use serde::{Deserialize, Serialize};
use space_host::machine::{Interrupter, Interruption};
use space_host::{Function, Instance, Memory, Module, Store, Trap, Value};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// How often a guest with a deadline, or one that is sampled, is looked at.
const TICK: Duration = Duration::from_millis(1);

/// What bounds a run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Time from the first instruction to the end.
    pub time: Option<Duration>,
    /// Bytes that a memory may grow to.
    pub memory_bytes: Option<u64>,
    /// Units of fuel, for an image that counts them.
    pub fuel: Option<u64>,
}

/// Where a run's samples go, when it has ended: [`space_host::samples`] reads them.
pub type Profile = Box<dyn FnOnce(&[u32])>;

/// How to run a space.
pub struct Settings {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub grants: Grants,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment: `NAME=value`.
    pub environment: Vec<String>,
    /// What its random numbers follow from without their capability.
    pub seed: u64,
    /// Where its log goes.
    pub log: Line,
    /// Its values.
    pub values: Box<dyn Values>,
    /// What bounds it.
    pub limits: Limits,
    /// Samples it, and says where to.
    pub profile: Option<Profile>,
}

/// Why a space did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An import is refused.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// It was not instantiated, or trapped.
    #[error(transparent)]
    Host(#[from] space_host::Error),
    /// Its exports are no guest's.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
    /// It ended with a status.
    #[error("{}", lifecycle::ended(*.0))]
    Status(i32),
    /// Its process cannot give up its rights.
    #[error(transparent)]
    Enter(#[from] runtime_sandbox::EnterError),
}

/// Runs a space in this process: start section, `_initialize` or `_start`, `on_init`, `on_process` for each message,
/// `on_close`.
pub fn run(module: &Module, settings: Settings) -> Result<(), RunError> {
    run_with_back_ends(module, settings, BackEnds::default())
}

/// As [`run`], with these back ends.
pub fn run_with_back_ends(module: &Module, settings: Settings, back_ends: BackEnds) -> Result<(), RunError> {
    let world = Machine::new(settings.log, settings.values, settings.limits.time).with(back_ends);
    let clock = world.clock();
    let texts =
        Texts { name: settings.name, arguments: settings.arguments, environment: settings.environment };
    let (grants, seed, limits) = (settings.grants, settings.seed, settings.limits);
    let start =
        Start { texts, grants, seed, limits, is_strict: false, is_sampled: settings.profile.is_some() };
    let (result, samples) = run_in(module, start, world, || Ok(()), (|_| (), |_| ()));
    if let Some(profile) = settings.profile {
        profile(&samples);
    }
    result.and_then(|()| in_time(&clock))
}

/// One that waited for messages until its time was over has not ended by itself.
pub(super) fn in_time(clock: &Clock) -> Result<(), RunError> {
    let over = || RunError::Host(Trap::Interrupted(Interruption::Deadline).into());
    if clock.is_over() { Err(over()) } else { Ok(()) }
}

/// What a space begins with.
pub(super) struct Start {
    pub texts: Texts,
    pub grants: Grants,
    pub seed: u64,
    pub limits: Limits,
    pub is_strict: bool,
    pub is_sampled: bool,
}

/// Runs a space in a world, and gives its samples. `ready` is called when nothing is missing but the guest's first
/// instruction, `made` gets what ends the guest when its instance is made, and `sized` its memory's bytes between calls.
pub(super) fn run_in<W: World + 'static>(
    module: &Module,
    start: Start,
    world: W,
    ready: impl FnOnce() -> Result<(), RunError>,
    (made, sized): (impl FnOnce(Interrupter), impl FnMut(u64)),
) -> (Result<(), RunError>, Vec<u32>) {
    let store = match Store::new() {
        Ok(store) => store,
        Err(error) => return (Err(error.into()), Vec::new()),
    };
    let samples = start.is_sampled.then(|| store.sample());
    let result = run_with(&store, module, start, world, (ready, made, sized));
    (result, samples.map_or_else(Vec::new, |samples| samples.words()))
}

fn run_with<W: World + 'static>(
    store: &Store,
    module: &Module,
    start: Start,
    mut world: W,
    (ready, made, sized): (impl FnOnce() -> Result<(), RunError>, impl FnOnce(Interrupter), impl FnMut(u64)),
) -> Result<(), RunError> {
    let Start { texts, grants, seed, limits, is_strict, is_sampled } = start;
    let mut space = Space::new(&texts.name, grants, seed, &mut world);
    space.arguments = texts.arguments;
    space.environment = texts.environment;
    let served = Rc::new(RefCell::new(Served { space, world, ended: None }));
    let imports = bind(store, module, &served, grants)?;
    lifecycle::judge(module.exports().map(|(name, ty)| (name, shape(&ty))))?;
    store.set_limits(limits.time, limits.memory_bytes, limits.fuel);
    if is_strict {
        store.be_strict();
    }
    if limits.time.is_some() || is_sampled {
        store.tick(TICK)?;
    }
    ready()?;
    let result = live(store, module, &imports, &served, (made, sized));
    let Served { space, world, .. } = &mut *served.borrow_mut();
    space.flush(world);
    result
}

fn live<W: World>(
    store: &Store,
    module: &Module,
    imports: &[space_host::Extern],
    served: &RefCell<Served<W>>,
    (made, mut sized): (impl FnOnce(Interrupter), impl FnMut(u64)),
) -> Result<(), RunError> {
    let instance = Instance::new(store, module, imports)?;
    made(instance.interrupter());
    let call = |name: &str| instance.function(name).map_or(Ok(false), |function| enter(&function));
    for name in lifecycle::BEFORE {
        if call(name)? && name != lifecycle::PROGRAM {
            return Ok(());
        }
    }
    let memory = instance.memory(MEMORY_EXPORT);
    let mut wait = || {
        sized(memory.as_ref().map_or(0, Memory::bytes));
        served.borrow_mut().world.mail().wait()
    };
    while wait() {
        if call(lifecycle::FOR_EACH)? {
            return Ok(());
        }
    }
    call(lifecycle::AFTER).map(drop)
}

/// Calls a way in; answers whether it ended itself with 0, which is an end like any other that is no failure.
fn enter(function: &Function) -> Result<bool, RunError> {
    match function.call(&[]) {
        Ok(results) => match results.first() {
            Some(Value::I32(status)) if *status < 0 => Err(RunError::Status(*status)),
            _ => Ok(false),
        },
        Err(Trap::Exit(0)) => Ok(true),
        Err(Trap::Exit(status)) => Err(RunError::Status(status)),
        Err(trap) => Err(RunError::Host(trap.into())),
    }
}
