//! The recognizers of a topology's spaces, and what they recognized.

use super::Recognizer;
use crate::devices::Reading;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use sci::guest::ErrorCode;

/// Recognizers of a space.
pub const RECOGNIZERS_MAX: usize = 16;
/// Events that wait to be emitted.
const WAITING_MAX: usize = 4096;

/// An event that was recognized; `S` is how the caller knows spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognized<S> {
    /// The space whose event it is.
    pub space: S,
    /// Its name.
    pub event: String,
    /// What it says.
    pub payload: Vec<u8>,
}

/// Recognizers by space and event.
#[derive(Debug)]
pub struct Recognizers<S> {
    recognizers: BTreeMap<S, BTreeMap<String, Recognizer>>,
    waiting: VecDeque<Recognized<S>>,
}

impl<S> Default for Recognizers<S> {
    fn default() -> Self {
        Self { recognizers: BTreeMap::new(), waiting: VecDeque::new() }
    }
}

impl<S: Clone + Ord> Recognizers<S> {
    /// Gives a space a recognizer of an event; it replaces another one.
    pub fn register(&mut self, space: S, event: &str, recognizer: Recognizer) -> Result<(), ErrorCode> {
        let own = self.recognizers.entry(space).or_default();
        if own.len() == RECOGNIZERS_MAX && !own.contains_key(event) {
            return Err(ErrorCode::Quota);
        }
        own.insert(event.into(), recognizer);
        Ok(())
    }

    /// How many a space has, but for that of an event.
    pub fn count(&self, space: &S, event: &str) -> usize {
        let own = self.recognizers.get(space).into_iter().flatten();
        own.filter(|(one, _)| *one != event).count()
    }

    /// An event of a space was recognized elsewhere.
    pub fn add(&mut self, recognized: Recognized<S>) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(recognized);
        }
    }

    /// A space has a recognizer of an event no more.
    pub fn forget(&mut self, space: &S, event: &str) {
        if let Some(own) = self.recognizers.get_mut(space) {
            own.remove(event);
        }
    }

    /// A space has ended, and its recognizers with it.
    pub fn leave(&mut self, space: &S) {
        self.recognizers.remove(space);
    }

    /// Whether somebody has to look for readings.
    pub fn is_any(&self) -> bool {
        !self.recognizers.is_empty()
    }

    /// What was recognized since the last time.
    pub fn take(&mut self) -> VecDeque<Recognized<S>> {
        core::mem::take(&mut self.waiting)
    }

    /// A sensor has measured; whether something was recognized.
    pub fn feed(&mut self, sensor: &str, reading: &Reading) -> bool {
        let mut has_events = false;
        for (space, own) in &mut self.recognizers {
            for (event, recognizer) in own.iter_mut().filter(|(_, one)| one.sensor() == sensor) {
                if let Some(payload) = recognizer.feed(reading)
                    && self.waiting.len() < WAITING_MAX
                {
                    let (space, event) = (space.clone(), event.clone());
                    self.waiting.push_back(Recognized { space, event, payload });
                    has_events = true;
                }
            }
        }
        has_events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use serde_json::json;

    fn hot() -> Recognizer {
        Recognizer::read("hot", r#"{"sensor":"oven","when":{"above":200}}"#).unwrap()
    }

    #[test]
    fn what_was_recognized_waits_with_its_space() {
        let mut recognizers = Recognizers::default();
        assert!(!recognizers.is_any());
        recognizers.register(1, "hot", hot()).unwrap();
        recognizers.register(2, "hot", hot()).unwrap();
        let reading = |value: f64| Reading { number: 1, time: 1, value: json!(value) };
        assert!(!recognizers.feed("fridge", &reading(300.0)) && !recognizers.feed("oven", &reading(20.0)));
        assert!(recognizers.is_any() && recognizers.feed("oven", &reading(300.0)));
        let told: Vec<_> = recognizers.take().into_iter().map(|one| (one.space, one.event)).collect();
        assert_eq!(told, [(1, "hot".into()), (2, "hot".into())]);
        assert_eq!(recognizers.take().len(), 0);
        recognizers.leave(&1);
        recognizers.feed("oven", &reading(20.0));
        recognizers.feed("oven", &reading(300.0));
        assert_eq!(recognizers.take().len(), 1);
    }

    #[test]
    fn a_space_has_so_many_and_no_more() {
        let mut recognizers = Recognizers::default();
        for number in 0..RECOGNIZERS_MAX {
            assert_eq!(recognizers.register(1, &format!("e{number}"), hot()), Ok(()));
        }
        assert_eq!(recognizers.register(1, "more", hot()), Err(ErrorCode::Quota));
        assert_eq!(
            (recognizers.register(1, "e0", hot()), recognizers.register(2, "more", hot())),
            (Ok(()), Ok(()))
        );
    }
}
