//! A line on standard error for what takes longer than a second.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::report::say;

/// How long a command may be silent.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says what goes on if it goes on for long; ends when dropped.
pub struct Progress {
    done: Option<Sender<()>>,
    waiter: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins something, such as `compiling demo`.
    pub fn of(what: String) -> Self {
        let (done, waiting) = mpsc::channel();
        let waiter = thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                say(&format!("{what} …\n"));
            }
        });
        Self { done: Some(done), waiter: Some(waiter) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(waiter) = self.waiter.take() {
            // It only prints; a panic there is nobody's concern.
            waiter.join().ok();
        }
    }
}
