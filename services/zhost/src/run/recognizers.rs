//! Recognizers of a topology's spaces, over the sensors of the machine.

use sci::guest::ErrorCode;
use services_zrun::linux::Watcher;
use services_zrun::{Recognizer, Recognizers as Core};
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An event that was recognized, and the space whose it is.
pub type Recognized = services_zrun::Recognized<String>;

#[derive(Default)]
struct Inner {
    core: Core<String>,
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
        self.inner().core.register(space.to_owned(), event, recognizer)
    }

    /// A space has ended, and its recognizers with it.
    pub fn leave(&self, space: &str) {
        self.inner().core.leave(&space.to_owned());
    }

    /// Looks at no more readings.
    pub fn end(&self) {
        *self.inner() = Inner { is_over: true, ..Inner::default() };
    }

    /// Whether somebody has to look for readings.
    pub fn is_any(&self) -> bool {
        self.inner().core.is_any()
    }

    /// What was recognized since the last time.
    pub fn take(&self) -> VecDeque<Recognized> {
        self.inner().core.take()
    }

    /// What shows it readings, and says where something was recognized.
    pub fn watcher(&self, nudge: Sender<()>) -> Watcher {
        let recognizers = self.clone();
        Box::new(move |sensor, reading| {
            let mut inner = recognizers.inner();
            if inner.core.feed(sensor, reading) {
                // Control that is gone emits no more.
                let _ = nudge.send(());
            }
            !inner.is_over
        })
    }
}
