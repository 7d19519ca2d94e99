//! Values of one thread.

use std::mem::ManuallyDrop;
use std::thread::{self, ThreadId};

thread_local! {
    /// To ask for the current thread counts its users, which is dear.
    static THREAD: ThreadId = thread::current().id();
}

/// This thread, as long as its own values are there.
#[inline]
fn this() -> Option<ThreadId> {
    THREAD.try_with(|thread| *thread).ok()
}

/// A value that only the thread that made it reaches, and drops.
pub struct Local<T> {
    thread: ThreadId,
    value: ManuallyDrop<T>,
}

// SAFETY: the value is reached and dropped on its own thread only: `get` and `drop` compare.
unsafe impl<T> Send for Local<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    /// A value of this thread.
    pub fn new(value: T) -> Self {
        Self { thread: thread::current().id(), value: ManuallyDrop::new(value) }
    }

    /// The value, on its own thread.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        (this() == Some(self.thread)).then_some(&*self.value)
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // Another thread's value is given up: to drop it here would be to reach it.
        if this() == Some(self.thread) {
            // SAFETY: it is dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}

impl<T> std::fmt::Debug for Local<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Local").field("thread", &self.thread).finish_non_exhaustive()
    }
}
