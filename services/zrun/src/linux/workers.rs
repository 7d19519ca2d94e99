//! Threads for what takes time, so that whoever serves many spaces need not wait.

use sci::guest::ErrorCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Gets a result when it is there.
pub type Done = Box<dyn FnOnce(Result<Vec<u8>, ErrorCode>) + Send>;

/// Threads at a time.
const THREADS_MAX: usize = 64;
/// Bytes of stack of each.
const STACK_BYTES: usize = 512 << 10;

/// So many threads and no more.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers(Arc<AtomicUsize>);

impl Workers {
    /// Has work done by a thread of its own, which tells the result. Where there is no thread, it is `would-block`.
    pub fn start(&self, work: impl FnOnce() -> Result<Vec<u8>, ErrorCode> + Send + 'static, done: Done) {
        let has_room = |threads: usize| (threads < THREADS_MAX).then_some(threads + 1);
        if self.0.try_update(Ordering::AcqRel, Ordering::Acquire, has_room).is_err() {
            return done(Err(ErrorCode::WouldBlock));
        }
        // Whether there is a thread or not, it is told once.
        let done = Arc::new(Mutex::new(Some(done)));
        let tell = move |result| {
            let done = done.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(done) = done {
                done(result);
            }
        };
        let (also, threads) = (tell.clone(), Arc::clone(&self.0));
        let spawned = thread::Builder::new().name("worker".into()).stack_size(STACK_BYTES).spawn(move || {
            let result = work();
            threads.fetch_sub(1, Ordering::AcqRel);
            also(result);
        });
        if spawned.is_err() {
            self.0.fetch_sub(1, Ordering::AcqRel);
            tell(Err(ErrorCode::WouldBlock));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn there_are_so_many_threads_and_no_more() {
        let workers = Workers::default();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let (sender, results) = mpsc::channel();
        for _ in 0..=THREADS_MAX {
            let (wait, sender) = (Arc::clone(&wait), sender.clone());
            let work = move || {
                let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
                Ok(b"done".to_vec())
            };
            workers.start(work, Box::new(move |result| drop(sender.send(result))));
        }
        assert_eq!(results.recv(), Ok(Err(ErrorCode::WouldBlock)), "the one too many is told at once");
        drop((go, sender));
        let rest: Vec<_> = results.iter().collect();
        assert_eq!(rest, vec![Ok(b"done".to_vec()); THREADS_MAX]);
        let (sender, results) = mpsc::channel();
        workers.start(|| Err(ErrorCode::Io), Box::new(move |result| drop(sender.send(result))));
        assert_eq!(results.recv(), Ok(Err(ErrorCode::Io)), "there is room again");
    }
}
