//! Recognizers that are modules: each in the process of the spaces, with a queue of readings here.

use sci::guest::ErrorCode;
use services_zrun::linux::event_of;
use services_zrun::{Program, Reading};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Readings that wait for a module; when one more comes, the oldest is lost.
const QUEUE_MAX: usize = 64;
/// The numbers that modules have in the process begin here, far above those of spaces.
const FIRST: u32 = 1 << 31;

/// One that runs.
struct Running {
    space: String,
    event: String,
    program: Program,
    queue: VecDeque<Reading>,
    lost: u64,
    /// It has said what it makes of the last reading.
    is_idle: bool,
    /// The time of the reading that it looks at.
    time: u64,
}

/// The recognizers of a topology that are modules.
#[derive(Default)]
pub struct Programs {
    /// Images by their names in the package.
    images: BTreeMap<String, Arc<Vec<u8>>>,
    /// By the number in the process.
    running: BTreeMap<u32, Running>,
    last: u32,
}

/// An event that a module has recognized: its space, its name, its payload.
pub type Found = (String, String, Vec<u8>);

/// The number that one has in the process, and its image.
pub type Started = (u32, Arc<Vec<u8>>);

impl Programs {
    /// Takes what the package has from now on.
    pub fn declare(&mut self, images: &BTreeMap<String, Arc<Vec<u8>>>) {
        self.images.clone_from(images);
    }

    /// Whether the package has a module of this name.
    pub fn has_module(&self, name: &str) -> bool {
        self.images.contains_key(name)
    }

    /// How many a space has, but for that of an event.
    pub fn count(&self, space: &str, event: &str) -> usize {
        self.running.values().filter(|one| one.space == space && one.event != event).count()
    }

    /// Gives a space one for an event.
    pub fn start(&mut self, space: &str, event: &str, program: Program) -> Result<Started, ErrorCode> {
        let image = Arc::clone(self.images.get(program.module()).ok_or(ErrorCode::NotFound)?);
        self.last = self.last.wrapping_add(1) % FIRST;
        let number = FIRST + self.last;
        let (space, event) = (space.to_owned(), event.to_owned());
        let (queue, lost) = (VecDeque::new(), 0);
        self.running.insert(number, Running { space, event, program, queue, lost, is_idle: false, time: 0 });
        Ok((number, image))
    }

    /// Takes those of a space, or that of one of its events, out: they get nothing more, and are to be ended.
    pub fn take(&mut self, space: &str, event: Option<&str>) -> Vec<u32> {
        let is_it = |one: &mut Running| one.space == space && event.is_none_or(|event| one.event == event);
        self.running.extract_if(.., |_, one| is_it(one)).map(|(number, _)| number).collect()
    }

    /// Whether there are any.
    pub fn is_any(&self) -> bool {
        !self.running.is_empty()
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

    /// What is told now, and to whom.
    pub fn due(&mut self) -> Vec<(u32, Vec<u8>)> {
        let idle = self.running.iter_mut().filter(|(_, one)| one.is_idle);
        let due = idle.filter_map(|(number, one)| {
            let reading = one.queue.pop_front()?;
            (one.is_idle, one.time) = (false, reading.time);
            Some((*number, one.program.told(&reading, std::mem::take(&mut one.lost))?))
        });
        due.collect()
    }

    /// Whether it is one of these.
    pub fn has(&self, number: u32) -> bool {
        self.running.contains_key(&number)
    }

    /// Takes what one says of its last reading: the event, if the reading is one and it may emit so many.
    pub fn said(&mut self, number: u32, said: &[u8]) -> Option<Found> {
        let one = self.running.get_mut(&number)?;
        one.is_idle = true;
        let payload = event_of(said).filter(|_| one.program.admit(one.time))?;
        Some((one.space.clone(), one.event.clone(), payload.to_vec()))
    }

    /// One has ended: its space, and what it is called.
    pub fn ended(&mut self, number: u32) -> Option<(String, String)> {
        let Running { space, event, program, .. } = self.running.remove(&number)?;
        Some((space, format!("the recognizer `{}` of the event `{event}`", program.module())))
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
        let mut programs = Programs::default();
        programs.declare(&[("knock".to_owned(), Arc::new(vec![7]))].into());
        let program = |spec: &str| Program::read(spec).expect("it names a module").expect("it is valid");
        let other = program(r#"{"sensor":"oven","module":"ring"}"#);
        assert_eq!(programs.start("a", "hot", other).err(), Some(ErrorCode::NotFound));
        let knock = program(r#"{"sensor":"oven","module":"knock","perMinute":1}"#);
        let (number, image) = programs.start("a", "hot", knock).expect("it is there");
        assert_eq!(
            (image.as_slice(), programs.count("a", "cold"), programs.count("a", "hot")),
            (&[7][..], 1, 0)
        );
        let reading = |number: u64| Reading { number, time: number, value: number.into() };
        assert!(!programs.feed("oven", &reading(1)) && programs.due().is_empty(), "it has not begun");
        assert_eq!(programs.said(number, b""), None);
        assert!(!programs.feed("door", &reading(2)));
        let told = |programs: &mut Programs| {
            let due = programs.due();
            due.into_iter().map(|(_, told)| String::from_utf8(told).expect("it is JSON")).collect::<String>()
        };
        assert!(told(&mut programs).contains(r#""lost":0,"number":1"#));
        for number in 2..70 {
            assert!(!programs.feed("oven", &reading(number)), "it looks at the first");
        }
        let found = Some(("a".to_owned(), "hot".to_owned(), b"x".to_vec()));
        assert_eq!(programs.said(number, b"\x01x"), found);
        assert!(told(&mut programs).contains(r#""lost":4,"number":6"#));
        assert_eq!(programs.said(number, b"\x01x"), None, "one in a minute");
        assert!(programs.has(number) && !programs.has(1), "that is a space");
        assert_eq!((programs.take("b", None), programs.take("a", Some("hot"))), (vec![], vec![number]));
        assert!(!programs.is_any());
    }
}
