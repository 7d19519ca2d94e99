//! One module in every engine, in step.

use crate::engine::{Case, Guest, Place, Started};
use crate::generate::Generated;
use crate::plan::{Item, Plan};
use crate::random::Random;
use crate::value::{Stop, Value};
use crate::{compiled, interpreted, ours};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Engines.
const ENGINES: [&str; 3] = ["ours", "wasmtime", "wasmi"];

/// Calls of each function, each with other arguments.
const ROUNDS: u32 = 4;

/// Calls of one module.
const CALLS: u32 = 48;

/// What has been seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Modules.
    pub modules: u64,
    /// Instances that came about.
    pub instances: u64,
    /// Modules that all engines refused to instantiate, for the same reason.
    pub stillborn: u64,
    /// Modules of which the rest was skipped: an engine had no more stack, or the like.
    pub exhausted: u64,
    /// Modules that are the same, if at all, where a NaN always has the same bits.
    pub nan: u64,
    /// Modules in which wasmi stands alone.
    pub wasmi: u64,
    /// Seeds that no module came of.
    pub none: u64,
    /// Calls.
    pub calls: u64,
    /// Calls that returned.
    pub returned: u64,
}

impl Figures {
    /// Adds others.
    pub fn add(&mut self, other: &mut Self) {
        for ((_, sum), (_, figure)) in self.each().into_iter().zip(other.each()) {
            *sum += *figure;
        }
    }

    /// Names and figures.
    pub fn each(&mut self) -> [(&'static str, &mut u64); 9] {
        [
            ("modules", &mut self.modules),
            ("instances", &mut self.instances),
            ("stillborn", &mut self.stillborn),
            ("exhausted", &mut self.exhausted),
            ("nan", &mut self.nan),
            ("wasmi alone", &mut self.wasmi),
            ("none", &mut self.none),
            ("calls", &mut self.calls),
            ("returned", &mut self.returned),
        ]
    }
}

/// Where engines differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// In what.
    pub what: String,
    /// What each engine says.
    pub said: [String; 3],
    /// Who stands alone.
    pub alone: &'static str,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({} alone)", self.what, self.alone)?;
        for (engine, said) in ENGINES.iter().zip(&self.said) {
            write!(formatter, "\n  {engine}: {said}")?;
        }
        Ok(())
    }
}

/// Why a comparison ends.
enum End {
    Different(Box<Difference>),
    Exhausted,
}

/// Insists that all say the same.
fn same<T: PartialEq + Debug>(said: &[T; 3], what: impl FnOnce() -> String) -> Result<(), End> {
    let [ours, compiled, interpreted] = said;
    if ours == compiled && ours == interpreted {
        return Ok(());
    }
    let alone = if compiled == interpreted {
        ENGINES[0]
    } else if ours == interpreted {
        ENGINES[1]
    } else if ours == compiled {
        ENGINES[2]
    } else {
        "each"
    };
    let said = said.each_ref().map(|said| format!("{said:?}").chars().take(600).collect());
    Err(End::Different(Box::new(Difference { what: what(), said, alone })))
}

/// Bytes as they are reported: length, and where they first differ from others.
#[derive(PartialEq)]
struct Bytes(Option<Vec<u8>>);

impl Debug for Bytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(bytes) = &self.0 else { return formatter.write_str("none") };
        let written = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).take(24);
        write!(formatter, "{} bytes, first not zero: ", bytes.len())?;
        for (at, byte) in written {
            write!(formatter, "{at:#x}={byte:#x} ")?;
        }
        Ok(())
    }
}

/// How a call ended, as far as engines must agree on it.
fn settle<T>(outcomes: [Result<T, Stop>; 3]) -> Result<[Result<T, Stop>; 3], End> {
    if outcomes.iter().any(|outcome| matches!(outcome, Err(Stop::Exhausted))) {
        return Err(End::Exhausted);
    }
    Ok(outcomes)
}

/// Makes sure that a panic of ours is a difference, not the end.
fn caught<T>(call: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Stop::Other(format!("panicked: {}", text.unwrap_or_default())))
    })
}

/// Compares a module of a seed. Where wasmi stands alone, that is noted, and the others are compared without it.
pub fn generated(
    engine: &wasmtime::Engine,
    generated: &mut Generated,
    figures: &mut Figures,
) -> Result<Option<Box<Difference>>, Box<Difference>> {
    let mut doubt = None;
    let mut third = Third::Wasmi;
    loop {
        let Generated { case, second, fuel, random } = &mut *generated;
        let mut seen = Figures::default();
        match module(engine, third, (case, second.as_ref()), fuel.as_ref(), &mut random.clone(), &mut seen) {
            Ok(()) => {
                figures.add(&mut seen);
                return Ok(doubt);
            }
            // wasm-smith makes NaNs equal behind most instructions, but not behind all.
            Err(_) if !case.options.one_nan => {
                case.options.one_nan = true;
                if let Some(second) = second {
                    second.options.one_nan = true;
                }
                figures.nan += 1;
            }
            Err(difference) if difference.alone == ENGINES[2] => {
                figures.wasmi += 1;
                third = Third::Wasmtime;
                doubt = Some(difference);
            }
            Err(difference) => return Err(difference),
        }
    }
}

/// What runs in the third place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Third {
    /// wasmi.
    Wasmi,
    /// wasmtime once more, where wasmi is wrong.
    Wasmtime,
}

/// Compares a module's instances, calls and traces, and those of one that imports from it.
pub fn module(
    engine: &wasmtime::Engine,
    third: Third,
    (case, second): (&Case, Option<&Case>),
    fuel: Option<&(String, u32)>,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<(), Box<Difference>> {
    figures.modules += 1;
    let mut kept: Option<Box<dyn Guest + '_>> = None;
    let started = caught(|| {
        let (outcome, guest) = ours::start(case);
        kept = Some(guest);
        outcome
    });
    let ours: Started<'_> = (started, kept.unwrap_or_else(|| Box::new(Nothing)));
    let third = match third {
        Third::Wasmi => interpreted::start(case),
        Third::Wasmtime => compiled::start(engine, case),
    };
    let started = [ours, compiled::start(engine, case), third];
    match compare(started, (case, second), fuel, random, figures) {
        Err(End::Different(difference)) => return Err(difference),
        Err(End::Exhausted) => figures.exhausted += 1,
        Ok(()) => {}
    }
    Ok(())
}

fn compare(
    started: [Started<'_>; 3],
    (case, second): (&Case, Option<&Case>),
    fuel: Option<&(String, u32)>,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<(), End> {
    let [(one, ours), (two, compiled), (three, interpreted)] = started;
    let mut guests = [ours, compiled, interpreted];
    let first = std::slice::from_ref(&case.plan);
    if !agree(&settle([one, two, three])?, "instantiation")? {
        figures.stillborn += 1;
        return traces(&mut guests, first, false, "instantiation");
    }
    figures.instances += 1;
    traces(&mut guests, first, true, "instantiation")?;
    let mut plans = vec![case.plan.clone()];
    if let Some(second) = second {
        refuel(&mut guests, first, fuel);
        let [ours, compiled, interpreted] = &mut guests;
        let started = [caught(|| ours.second(second)), compiled.second(second), interpreted.second(second)];
        if agree(&settle(started)?, "the second instantiation")? {
            figures.instances += 1;
            plans.push(second.plan.clone());
        }
        traces(&mut guests, &plans, true, "the second instantiation")?;
    }
    calls(&mut guests, &plans, fuel, random, figures)?;
    traces(&mut guests, &plans, true, "the last call")
}

/// Whether instances came about; insists that all say the same of it.
fn agree(outcomes: &[Result<(), Stop>; 3], what: &str) -> Result<bool, End> {
    // Reasons of refusals are each engine's own.
    let refused = |outcome: &Result<(), Stop>| matches!(outcome, Err(Stop::Refused(_) | Stop::Other(_)));
    if !outcomes.iter().all(refused) {
        same(outcomes, || what.into())?;
    }
    Ok(outcomes.iter().all(Result::is_ok))
}

fn refuel(guests: &mut [Box<dyn Guest + '_>; 3], plans: &[Plan], fuel: Option<&(String, u32)>) {
    let Some((global, value)) = fuel else { return };
    for guest in guests {
        for instance in 0..plans.len() {
            guest.set_global(Place::Export(instance, global), Value::I32(*value));
        }
    }
}

fn calls(
    guests: &mut [Box<dyn Guest + '_>; 3],
    plans: &[Plan],
    fuel: Option<&(String, u32)>,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<(), End> {
    let functions = plans[0].functions().count() as u32;
    let mut calls = 0;
    for round in 0..ROUNDS {
        let all = plans.iter().enumerate();
        let all = all.flat_map(|(instance, plan)| plan.functions().map(move |function| (instance, function)));
        for (instance, (name, signature)) in all {
            if calls >= CALLS {
                return Ok(());
            }
            calls += 1;
            refuel(guests, plans, fuel);
            let arguments: Vec<Value> =
                signature.parameters.iter().map(|kind| random.value(*kind, functions)).collect();
            let what = || format!("round {round}: {instance}.{name}({arguments:x?})");
            let [ours, compiled, interpreted] = &mut *guests;
            let outcomes = [
                caught(|| ours.call(instance, name, &arguments)),
                compiled.call(instance, name, &arguments),
                interpreted.call(instance, name, &arguments),
            ];
            figures.calls += 1;
            let outcomes = settle(outcomes)?;
            figures.returned += u64::from(outcomes[0].is_ok());
            same(&outcomes, what)?;
            let logs = guests.each_ref().map(|guest| guest.log());
            same(&logs, || format!("calls to the host by {}", what()))?;
            globals(guests, plans, &what())?;
        }
    }
    Ok(())
}

fn globals(guests: &mut [Box<dyn Guest + '_>; 3], plans: &[Plan], after: &str) -> Result<(), End> {
    for (instance, plan) in plans.iter().enumerate() {
        for (name, item) in &plan.exports {
            if let Item::Global(_, true) = item {
                let values = guests.each_mut().map(|guest| guest.global(Place::Export(instance, name)));
                same(&values, || format!("global {instance}.{name} after {after}"))?;
            }
        }
    }
    Ok(())
}

/// Compares what guests have left behind.
fn traces(
    guests: &mut [Box<dyn Guest + '_>; 3],
    plans: &[Plan],
    alive: bool,
    after: &str,
) -> Result<(), End> {
    let imports = plans[0].imports.iter().enumerate();
    let imports = imports.map(|(index, (_, _, item))| (Place::Import(index), item));
    let exports = plans.iter().enumerate().flat_map(|(instance, plan)| {
        plan.exports.iter().map(move |(name, item)| (Place::Export(instance, name), item))
    });
    for (place, item) in imports.chain(exports.filter(|_| alive)) {
        let what = || format!("{place:?} after {after}");
        match item {
            Item::Function(_) => {}
            Item::Global(..) => same(&guests.each_mut().map(|guest| guest.global(place)), what)?,
            Item::Table(..) => same(&guests.each_mut().map(|guest| guest.table(place)), what)?,
            Item::Memory(..) => same(&guests.each_mut().map(|guest| Bytes(guest.memory(place))), what)?,
        }
    }
    let logs = guests.each_ref().map(|guest| guest.log());
    same(&logs, || format!("calls to the host after {after}"))
}

/// What is left of a guest whose making has panicked.
struct Nothing;

impl Guest for Nothing {
    fn second(&mut self, _: &Case) -> Result<(), Stop> {
        Err(Stop::Other("there is no instance".into()))
    }

    fn call(&mut self, _: usize, _: &str, _: &[Value]) -> Result<Vec<Value>, Stop> {
        Err(Stop::Other("there is no instance".into()))
    }

    fn global(&mut self, _: Place<'_>) -> Option<Value> {
        None
    }

    fn set_global(&mut self, _: Place<'_>, _: Value) {}

    fn memory(&mut self, _: Place<'_>) -> Option<Vec<u8>> {
        None
    }

    fn table(&mut self, _: Place<'_>) -> Option<Vec<Value>> {
        None
    }

    fn log(&self) -> u64 {
        0
    }
}
