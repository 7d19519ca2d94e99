//! Values of one thread.

use std::thread::{self, ThreadId};

/// A value that only the thread that made it reaches, and drops.
pub struct Local<T> {
    thread: ThreadId,
    value: Option<T>,
}

// SAFETY: the value is reached and dropped on its own thread only: `get` and `drop` compare.
unsafe impl<T> Send for Local<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    /// A value of this thread.
    pub fn new(value: T) -> Self {
        Self { thread: thread::current().id(), value: Some(value) }
    }

    /// The value, on its own thread.
    pub fn get(&self) -> Option<&T> {
        if thread::current().id() == self.thread { self.value.as_ref() } else { None }
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        if thread::current().id() != self.thread {
            // Another thread's value is given up: to drop it here would be to reach it.
            std::mem::forget(self.value.take());
        }
    }
}

impl<T> std::fmt::Debug for Local<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Local").field("thread", &self.thread).finish_non_exhaustive()
    }
}
