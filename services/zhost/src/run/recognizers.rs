//! Recognizers of a topology's spaces, over the sensors of the machine.

use super::Run;
use crate::application::Application;
use sci::guest::ErrorCode;
use services_zrun::launch::Texts;
use services_zrun::linux::{Duty, Job, Limits, Watcher, event_of};
use services_zrun::{Program, Programs, RECOGNIZERS_MAX, Recognizer, Recognizers as Core};
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An event that was recognized, and the space whose it is.
pub type Recognized = services_zrun::Recognized<String>;

#[derive(Default)]
struct Inner {
    core: Core<String>,
    programs: Programs<String, Vec<u8>>,
    is_over: bool,
}

impl Inner {
    fn has_room(&self, space: &String, event: &str) -> Result<(), ErrorCode> {
        let count = self.core.count(space, event) + self.programs.count(space, event);
        if count < RECOGNIZERS_MAX { Ok(()) } else { Err(ErrorCode::Quota) }
    }
}

/// The number that one has in the process, and its image.
type Started = services_zrun::Started<Vec<u8>>;

/// The recognizers of a topology.
#[derive(Clone, Default)]
pub struct Recognizers(Arc<Mutex<Inner>>);

impl Recognizers {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the package has from now on.
    pub fn declare(&self, application: &Application) {
        self.inner().programs.declare(&application.recognizers);
    }

    /// Gives a space a recognizer of an event; it replaces another one. Those in the process that are to be ended.
    pub fn register(&self, space: &str, event: &str, recognizer: Recognizer) -> Result<Vec<u32>, ErrorCode> {
        let (mut inner, space) = (self.inner(), space.to_owned());
        inner.has_room(&space, event)?;
        inner.core.register(space.clone(), event, recognizer)?;
        Ok(inner.programs.take(&space, Some(event)))
    }

    /// The same, with a module that is to be started in the process.
    fn start(&self, space: &str, event: &str, program: Program) -> Result<(Started, Vec<u32>), ErrorCode> {
        let (mut inner, space) = (self.inner(), space.to_owned());
        inner.has_room(&space, event)?;
        if !inner.programs.has_module(program.module()) {
            return Err(ErrorCode::NotFound);
        }
        let before = inner.programs.take(&space, Some(event));
        inner.core.forget(&space, event);
        let started = inner.programs.start(space, event, program)?;
        Ok((started, before))
    }

    /// A space has ended, and its recognizers with it. Those in the process that are to be ended.
    pub fn leave(&self, space: &str) -> Vec<u32> {
        let (mut inner, space) = (self.inner(), space.to_owned());
        inner.core.leave(&space);
        inner.programs.take(&space, None)
    }

    /// Looks at no more readings.
    pub fn end(&self) {
        *self.inner() = Inner { is_over: true, ..Inner::default() };
    }

    /// The process is gone, and what ran in it.
    pub fn process_ended(&self) {
        self.inner().programs.clear();
    }

    /// Whether somebody has to look for readings.
    pub fn is_any(&self) -> bool {
        let inner = self.inner();
        inner.core.is_any() || !inner.programs.is_empty()
    }

    /// What was recognized since the last time.
    pub fn take(&self) -> VecDeque<Recognized> {
        self.inner().core.take()
    }

    /// Takes what one in the process says of its last reading; whether it is one.
    fn said(&self, number: u32, said: &[u8]) -> bool {
        let mut inner = self.inner();
        let payload = event_of(said).map(<[u8]>::to_vec);
        if let Some(recognized) = inner.programs.said(number, payload) {
            inner.core.add(recognized);
        }
        inner.programs.has(number)
    }

    /// What shows it readings, and says where something was recognized, or is to be looked at.
    pub fn watcher(&self, nudge: Sender<()>) -> Watcher {
        let recognizers = self.clone();
        Box::new(move |sensor, reading| {
            let mut inner = recognizers.inner();
            let is_due = inner.programs.feed(sensor, reading);
            if inner.core.feed(sensor, reading) || is_due {
                // Control that is gone emits no more.
                let _ = nudge.send(());
            }
            !inner.is_over
        })
    }
}

impl Run {
    /// Gives a space a module that recognizes an event.
    pub(super) fn start_recognizer(
        &self,
        space: &str,
        event: &str,
        program: Program,
    ) -> Result<(), ErrorCode> {
        let name = program.module().to_owned();
        let ((number, image), before) = self.recognizers.start(space, event, program)?;
        self.stop_all(before);
        let job = Job {
            texts: Texts { name, arguments: Vec::new(), environment: Vec::new() },
            grants: 0,
            seed: 0,
            // It has bounds of its own.
            limits: Limits::default(),
            is_strict: false,
            is_sampled: false,
            keys: self.ways.keys.clone(),
            duty: Duty::Recognizer,
        };
        self.process.start(number, job, &image);
        Ok(())
    }

    /// Ends what runs in the process by these numbers.
    pub(super) fn stop_all(&self, numbers: Vec<u32>) {
        for number in numbers {
            self.process.stop(number);
        }
    }

    /// Shows recognizers in the process what waits for them.
    pub(super) fn show_readings(&self) {
        let due = self.recognizers.inner().programs.due();
        for (number, reading) in due {
            self.process.reply(number, &reading);
        }
    }

    /// A recognizer in the process has looked at a reading; whether it is one.
    pub(super) fn recognizer_said(&self, number: u32, said: &[u8]) -> bool {
        let is_one = self.recognizers.said(number, said);
        if is_one {
            self.show_readings();
            let _ = self.ways.nudge.send(());
        }
        is_one
    }

    /// A recognizer in the process has ended by itself; whether it is one.
    pub(super) fn recognizer_ended(&self, number: u32, why: &str) -> bool {
        let ended = self.recognizers.inner().programs.ended(number, why);
        let Some((space, says)) = ended else { return false };
        self.book.event(&space, &says);
        true
    }
}
