//! Recognizers that are modules, run where they are asked for: interpreted, a little at a time.

use super::interpreted::{Interpreted, ModuleError, Translated};
use super::programs::Programs;
use super::{Program, Recognized};
use crate::devices::Reading;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Units of fuel for a reading, and for what comes before the first one.
pub const FUEL: u64 = 1_000_000;
/// Fuel after which nobody begins, or looks at one more reading, until the next time: that of one.
const FUEL_AT_ONCE: u64 = FUEL;
/// Bytes of payloads after which it is the same: they are held until they are emitted.
const PAYLOADS_AT_ONCE: usize = 256 << 10;

/// What came of readings; `S` is how the caller knows spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<S> {
    /// An event.
    Event(Recognized<S>),
    /// A recognizer of this space has ended, which is to be said so.
    Ended(S, String),
}

/// One that is to run, or runs.
#[derive(Debug)]
enum Runner {
    New(Arc<Kept>),
    Begun(Box<Interpreted>),
}

/// A module of the package.
#[derive(Debug)]
struct Kept {
    name: String,
    bytes: Vec<u8>,
}

/// The modules of a package that recognize, by name.
pub type Package = BTreeMap<String, Vec<u8>>;

/// The recognizers that are modules, and what runs them.
#[derive(Debug)]
pub struct Modules<S> {
    programs: Programs<S, Kept>,
    /// Those that were asked for once: the same module is translated once.
    translated: BTreeMap<String, Translated>,
    runners: BTreeMap<u32, Runner>,
    /// How many may run: what runs them has memory for no more.
    most: usize,
    /// Who has looked last.
    last: u32,
}

impl<S: Clone + PartialEq> Default for Modules<S> {
    fn default() -> Self {
        Self::new(Package::new(), 0)
    }
}

impl<S: Clone + PartialEq> Modules<S> {
    /// Of a package, so many at once.
    pub fn new(package: Package, most: usize) -> Self {
        let kept = |(name, bytes): (String, Vec<u8>)| (name.clone(), Arc::new(Kept { name, bytes }));
        let mut programs = Programs::default();
        programs.declare(&package.into_iter().map(kept).collect());
        Self { programs, translated: BTreeMap::new(), runners: BTreeMap::new(), most, last: 0 }
    }

    /// How many a space has, but for that of an event.
    pub fn count(&self, space: &S, event: &str) -> usize {
        self.programs.count(space, event)
    }

    /// Gives a space one for an event; it replaces another one.
    pub fn start(&mut self, space: S, event: &str, program: Program) -> Result<(), ErrorCode> {
        if !self.programs.has_module(program.module()) {
            return Err(ErrorCode::NotFound);
        }
        self.forget(&space, Some(event));
        if self.programs.len() >= self.most {
            return Err(ErrorCode::Quota);
        }
        let (number, module) = self.programs.start(space, event, program)?;
        self.runners.insert(number, Runner::New(module));
        Ok(())
    }

    /// Ends those of a space, or that of one of its events.
    pub fn forget(&mut self, space: &S, event: Option<&str>) {
        for number in self.programs.take(space, event) {
            self.runners.remove(&number);
        }
    }

    /// Whether there are any.
    pub fn is_any(&self) -> bool {
        !self.programs.is_empty()
    }

    /// Whether one is to begin, or a reading waits for one.
    pub fn is_due(&self) -> bool {
        self.programs.is_due() || self.runners.values().any(|one| matches!(one, Runner::New(_)))
    }

    /// A sensor has measured.
    pub fn feed(&mut self, sensor: &str, reading: &Reading) {
        self.programs.feed(sensor, reading);
    }

    /// Has each in turn look at a reading that waits for it, until a bound of fuel is reached; the rest waits.
    pub fn look(&mut self) -> Vec<Seen<S>> {
        let mut seen = Vec::new();
        let (mut used, mut bytes) = (self.begin(&mut seen), 0);
        while used < FUEL_AT_ONCE
            && bytes < PAYLOADS_AT_ONCE
            && let Some((number, reading)) = self.programs.due_after(self.last)
        {
            self.last = number;
            let Some(Runner::Begun(runner)) = self.runners.get_mut(&number) else { continue };
            let looked = runner.look(&reading);
            used += runner.used();
            match looked {
                Ok(payload) => {
                    bytes += payload.as_ref().map_or(0, Vec::len);
                    seen.extend(self.programs.said(number, payload).map(Seen::Event));
                }
                Err(error) => self.end(number, &error, &mut seen),
            }
        }
        seen
    }

    /// Begins those that are new, as far as there is fuel for it; what it took.
    fn begin(&mut self, seen: &mut Vec<Seen<S>>) -> u64 {
        let mut used = 0;
        let new = self.runners.iter().filter_map(|(number, one)| match one {
            Runner::New(module) => Some((*number, Arc::clone(module))),
            Runner::Begun(_) => None,
        });
        for (number, module) in new.collect::<Vec<_>>() {
            if used >= FUEL_AT_ONCE {
                break;
            }
            match self.translated(&module).and_then(Translated::start) {
                Ok(runner) => {
                    used += runner.used();
                    self.runners.insert(number, Runner::Begun(Box::new(runner)));
                    let _ = self.programs.said(number, None);
                }
                Err(error) => {
                    used += FUEL_AT_ONCE;
                    self.end(number, &error, seen);
                }
            }
        }
        used
    }

    fn translated(&mut self, module: &Kept) -> Result<&Translated, ModuleError> {
        match self.translated.entry(module.name.clone()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Translated::new(&module.bytes)?)),
        }
    }

    fn end(&mut self, number: u32, why: &ModuleError, seen: &mut Vec<Seen<S>>) {
        self.runners.remove(&number);
        let ended = self.programs.ended(number, &why.to_string());
        seen.extend(ended.map(|(space, says)| Seen::Ended(space, says)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::vec;
    use serde_json::json;

    /// One that has so many turns for each reading, and then says all of it.
    fn module(turns: u32) -> Vec<u8> {
        let text = format!(
            r#"(module (memory (export "memory") 1)
              (func (export "room") (param i32) (result i32) (i32.const 1024))
              (func (export "on_reading") (param $at i32) (param $bytes i32) (result i64) (local $n i32)
                (local.set $n (i32.const {turns}))
                (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
                  (i64.extend_i32_u (local.get $bytes)))))"#
        );
        wat::parse_str(text).unwrap()
    }

    fn package() -> Package {
        let modules = [("quick", module(1)), ("slow", module(150_000)), ("endless", module(0))];
        modules.map(|(name, bytes)| (name.to_owned(), bytes)).into()
    }

    fn program(module: &str) -> Program {
        Program::read(&format!(r#"{{"sensor":"oven","module":"{module}","perMinute":6000}}"#))
            .unwrap()
            .unwrap()
    }

    fn feed(modules: &mut Modules<u32>, numbers: core::ops::RangeInclusive<u64>) {
        numbers.for_each(|number| modules.feed("oven", &Reading { number, time: number, value: json!(1) }));
    }

    /// Numbers of the readings that were events, by space.
    fn events(seen: Vec<Seen<u32>>) -> Vec<(u32, u64)> {
        let event = |one: Seen<u32>| match one {
            Seen::Event(Recognized { space, payload, .. }) => {
                let told: serde_json::Value = serde_json::from_slice(&payload).unwrap();
                (space, told["number"].as_u64().unwrap())
            }
            Seen::Ended(_, says) => panic!("{says}"),
        };
        seen.into_iter().map(event).collect()
    }

    #[test]
    fn each_in_turn_looks_at_a_reading_until_so_much_fuel_is_used() {
        let mut modules = Modules::new(package(), 4);
        modules.start(1, "a", program("slow")).unwrap();
        modules.start(2, "b", program("quick")).unwrap();
        feed(&mut modules, 1..=20);
        assert!(modules.is_due());
        let mut in_turn = (1..).flat_map(|number| [(1, number), (2, number)]);
        for _ in 0..3 {
            let seen = events(modules.look());
            assert!((4..20).contains(&seen.len()) && modules.is_due(), "{seen:?}");
            assert!(seen.iter().all(|one| in_turn.next() == Some(*one)), "it goes on where it was: {seen:?}");
        }
        feed(&mut modules, 21..=200);
        assert_eq!(events(modules.look())[0].1, 137, "the last 64 wait");
    }

    #[test]
    fn one_that_ends_does_so_alone_and_may_begin_again() {
        let mut modules = Modules::new(package(), 4);
        modules.start(1, "a", program("endless")).unwrap();
        modules.start(2, "b", program("quick")).unwrap();
        assert_eq!(modules.look(), []);
        feed(&mut modules, 1..=1);
        let seen = modules.look();
        let says =
            "the recognizer `endless` of the event `a` has ended, and emits nothing more: all fuel consumed";
        assert_eq!(seen[0], Seen::Ended(1, says.to_owned()));
        assert_eq!(seen.len(), 1, "it has used what there is for all: {seen:?}");
        assert_eq!(events(modules.look()), [(2, 1)]);
        assert_eq!((modules.count(&1, ""), modules.count(&2, "")), (0, 1));
        feed(&mut modules, 2..=2);
        assert_eq!(events(modules.look()), [(2, 2)]);
        assert_eq!(modules.start(1, "a", program("quick")), Ok(()));
        modules.look();
        feed(&mut modules, 3..=3);
        let mut seen = events(modules.look());
        seen.sort_unstable();
        assert_eq!(seen, [(1, 3), (2, 3)]);
    }

    #[test]
    fn so_many_run_at_once() {
        let mut modules = Modules::new(package(), 2);
        assert_eq!(modules.start(1, "a", program("other")), Err(ErrorCode::NotFound));
        assert_eq!(
            (modules.start(1, "a", program("quick")), modules.start(2, "a", program("slow"))),
            (Ok(()), Ok(()))
        );
        assert_eq!(modules.start(1, "b", program("quick")), Err(ErrorCode::Quota));
        assert_eq!(modules.start(1, "a", program("slow")), Ok(()), "it replaces the other");
        modules.forget(&2, None);
        assert_eq!(modules.start(1, "b", program("quick")), Ok(()));
        assert_eq!((modules.count(&1, "a"), modules.count(&2, "b")), (1, 0));
        modules.forget(&1, Some("a"));
        modules.look();
        feed(&mut modules, 1..=1);
        let events = events(modules.look());
        assert_eq!(events, vec![(1, 1)]);
        let mut broken = Modules::new([("none".to_owned(), b"none".to_vec())].into(), 1);
        broken.start(1, "a", program("none")).unwrap();
        assert!(broken.is_due());
        assert!(matches!(&broken.look()[..], [Seen::Ended(1, says)] if says.contains("`none`")));
        assert!(!broken.is_any() && !broken.is_due());
    }
}
