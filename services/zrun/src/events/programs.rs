//! Recognizers that are modules: which there are, whose they are, and the readings that wait for each.

use super::Program;
use super::recognizers::Recognized;
use crate::devices::Reading;
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Readings that wait for a module; when one more comes, the oldest is lost.
const QUEUE_MAX: usize = 64;
/// The numbers of those that run begin here, far above those of spaces.
const FIRST: u32 = 1 << 31;

/// One that runs.
#[derive(Debug)]
struct Running<S> {
    space: S,
    event: String,
    program: Program,
    queue: VecDeque<Reading>,
    lost: u64,
    /// It has said what it makes of the last reading.
    is_idle: bool,
    /// The time of the reading that it looks at.
    time: u64,
}

impl<S> Running<S> {
    /// The next reading, as it is told, if it has looked at the last one.
    fn next(&mut self) -> Option<Vec<u8>> {
        let reading = if self.is_idle { self.queue.pop_front()? } else { return None };
        (self.is_idle, self.time) = (false, reading.time);
        self.program.told(&reading, core::mem::take(&mut self.lost))
    }
}

/// The recognizers of a topology that are modules; `S` is how the caller knows spaces, `I` is what runs.
#[derive(Debug)]
pub struct Programs<S, I> {
    /// What runs, by its name in the package.
    images: BTreeMap<String, Arc<I>>,
    running: BTreeMap<u32, Running<S>>,
    last: u32,
}

impl<S, I> Default for Programs<S, I> {
    fn default() -> Self {
        Self { images: BTreeMap::new(), running: BTreeMap::new(), last: 0 }
    }
}

/// The number of one that is to run, and what it runs.
pub type Started<I> = (u32, Arc<I>);

impl<S: Clone + PartialEq, I> Programs<S, I> {
    /// Takes what the package has from now on.
    pub fn declare(&mut self, images: &BTreeMap<String, Arc<I>>) {
        self.images.clone_from(images);
    }

    /// Whether the package has a module of this name.
    pub fn has_module(&self, name: &str) -> bool {
        self.images.contains_key(name)
    }

    /// How many a space has, but for that of an event.
    pub fn count(&self, space: &S, event: &str) -> usize {
        self.running.values().filter(|one| one.space == *space && one.event != event).count()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Gives a space one for an event.
    pub fn start(&mut self, space: S, event: &str, program: Program) -> Result<Started<I>, ErrorCode> {
        let image = Arc::clone(self.images.get(program.module()).ok_or(ErrorCode::NotFound)?);
        self.last = self.last.wrapping_add(1) % FIRST;
        let number = FIRST + self.last;
        let (event, queue, lost) = (event.to_owned(), VecDeque::new(), 0);
        self.running.insert(number, Running { space, event, program, queue, lost, is_idle: false, time: 0 });
        Ok((number, image))
    }

    /// Takes those of a space, or that of one of its events, out: they get nothing more, and are to be ended.
    pub fn take(&mut self, space: &S, event: Option<&str>) -> Vec<u32> {
        let is_it =
            |one: &mut Running<S>| one.space == *space && event.is_none_or(|event| one.event == event);
        self.running.extract_if(.., |_, one| is_it(one)).map(|(number, _)| number).collect()
    }

    /// A sensor has measured; whether somebody is to look at it now.
    pub fn feed(&mut self, sensor: &str, reading: &Reading) -> bool {
        let mut is_due = false;
        for one in self.running.values_mut().filter(|one| one.program.sensor() == sensor) {
            if one.queue.len() == QUEUE_MAX {
                one.queue.pop_front();
                one.lost += 1;
            }
            one.queue.push_back(reading.clone());
            is_due |= one.is_idle;
        }
        is_due
    }

    /// Whether a reading waits for somebody who has looked at the last one.
    pub fn is_due(&self) -> bool {
        self.running.values().any(|one| one.is_idle && !one.queue.is_empty())
    }

    /// What is told now, and to whom.
    pub fn due(&mut self) -> Vec<(u32, Vec<u8>)> {
        self.running.iter_mut().filter_map(|(number, one)| Some((*number, one.next()?))).collect()
    }

    /// The same of one alone: the next after a number, in turn.
    pub fn due_after(&mut self, number: u32) -> Option<(u32, Vec<u8>)> {
        let numbers = self.running.range(number.saturating_add(1)..).chain(self.running.range(..=number));
        let numbers: Vec<u32> = numbers.map(|(number, _)| *number).collect();
        numbers.into_iter().find_map(|number| Some((number, self.running.get_mut(&number)?.next()?)))
    }

    /// Whether it is one of these.
    pub fn has(&self, number: u32) -> bool {
        self.running.contains_key(&number)
    }

    /// Takes what one makes of its last reading: the event, if the reading is one and it may emit so many. One that has
    /// begun says nothing.
    pub fn said(&mut self, number: u32, payload: Option<Vec<u8>>) -> Option<Recognized<S>> {
        let one = self.running.get_mut(&number)?;
        one.is_idle = true;
        let payload = payload.filter(|_| one.program.admit(one.time))?;
        Some(Recognized { space: one.space.clone(), event: one.event.clone(), payload })
    }

    /// One has ended: its space, and what is to be said of it.
    pub fn ended(&mut self, number: u32, why: &str) -> Option<(S, String)> {
        let Running { space, event, program, .. } = self.running.remove(&number)?;
        let module = program.module();
        let says = format!(
            "the recognizer `{module}` of the event `{event}` has ended, and emits nothing more: {why}"
        );
        Some((space, says))
    }

    /// None runs any more.
    pub fn clear(&mut self) {
        self.running.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_wait_until_the_last_was_looked_at() {
        let mut programs: Programs<String, Vec<u8>> = Programs::default();
        programs.declare(&[("knock".to_owned(), Arc::new([7].to_vec()))].into());
        let program = |spec: &str| Program::read(spec).expect("it names a module").expect("it is valid");
        let other = program(r#"{"sensor":"oven","module":"ring"}"#);
        assert_eq!(programs.start("a".to_owned(), "hot", other).err(), Some(ErrorCode::NotFound));
        let knock = program(r#"{"sensor":"oven","module":"knock","perMinute":1}"#);
        let (number, image) = programs.start("a".to_owned(), "hot", knock).expect("it is there");
        assert_eq!(
            (
                image.as_slice(),
                programs.count(&"a".to_owned(), "cold"),
                programs.count(&"a".to_owned(), "hot")
            ),
            (&[7][..], 1, 0)
        );
        let reading = |number: u64| Reading { number, time: number, value: number.into() };
        assert!(!programs.feed("oven", &reading(1)) && programs.due().is_empty(), "it has not begun");
        assert_eq!(programs.said(number, None), None);
        assert!(!programs.feed("door", &reading(2)));
        let told = |programs: &mut Programs<String, Vec<u8>>| {
            let due = programs.due();
            due.into_iter().map(|(_, told)| String::from_utf8(told).expect("it is JSON")).collect::<String>()
        };
        assert!(told(&mut programs).contains(r#""lost":0,"number":1"#));
        for number in 2..70 {
            assert!(!programs.feed("oven", &reading(number)), "it looks at the first");
        }
        let found =
            Some(Recognized { space: "a".to_owned(), event: "hot".to_owned(), payload: b"x".to_vec() });
        assert_eq!(programs.said(number, Some(b"x".to_vec())), found);
        assert!(told(&mut programs).contains(r#""lost":4,"number":6"#));
        assert_eq!(programs.said(number, Some(b"x".to_vec())), None, "one in a minute");
        assert!(programs.has(number) && !programs.has(1), "that is a space");
        assert_eq!(
            (programs.take(&"b".to_owned(), None), programs.take(&"a".to_owned(), Some("hot"))),
            (Vec::new(), [number].to_vec())
        );
        assert!(programs.is_empty());
    }
}
