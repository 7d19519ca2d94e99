//! Recognizers of a topology's spaces, over the sensors of the machine.

use sci::guest::ErrorCode;
use services_zrun::linux::Watcher;
use services_zrun::{Reading, Recognizer};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Recognizers of a space.
const RECOGNIZERS_MAX: usize = 16;
/// Events that wait to be emitted.
const WAITING_MAX: usize = 4096;

/// An event that was recognized.
pub struct Recognized {
    /// The space whose event it is.
    pub space: String,
    /// Its name.
    pub event: String,
    /// What it says.
    pub payload: Vec<u8>,
}

#[derive(Default)]
struct Inner {
    /// By space and event.
    recognizers: BTreeMap<String, BTreeMap<String, Recognizer>>,
    waiting: VecDeque<Recognized>,
    is_over: bool,
}

/// The recognizers of a topology.
#[derive(Clone, Default)]
pub struct Recognizers(Arc<Mutex<Inner>>);

impl Recognizers {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a space a recognizer of an event; it replaces another one.
    pub fn register(&self, space: &str, event: &str, recognizer: Recognizer) -> Result<(), ErrorCode> {
        let mut inner = self.inner();
        let own = inner.recognizers.entry(space.to_owned()).or_default();
        if own.len() == RECOGNIZERS_MAX && !own.contains_key(event) {
            return Err(ErrorCode::Quota);
        }
        own.insert(event.to_owned(), recognizer);
        Ok(())
    }

    /// A space has ended, and its recognizers with it.
    pub fn leave(&self, space: &str) {
        self.inner().recognizers.remove(space);
    }

    /// Looks at no more readings.
    pub fn end(&self) {
        *self.inner() = Inner { is_over: true, ..Inner::default() };
    }

    /// Whether somebody has to look for readings.
    pub fn is_any(&self) -> bool {
        !self.inner().recognizers.is_empty()
    }

    /// What was recognized since the last time.
    pub fn take(&self) -> VecDeque<Recognized> {
        std::mem::take(&mut self.inner().waiting)
    }

    /// What shows it readings, and says where something was recognized.
    pub fn watcher(&self, nudge: Sender<()>) -> Watcher {
        let recognizers = self.clone();
        Box::new(move |sensor, reading| {
            let mut inner = recognizers.inner();
            if inner.feed(sensor, reading) {
                // Control that is gone emits no more.
                let _ = nudge.send(());
            }
            !inner.is_over
        })
    }
}

impl Inner {
    /// Whether something was recognized.
    fn feed(&mut self, sensor: &str, reading: &Reading) -> bool {
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
