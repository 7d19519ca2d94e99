//! Waiting for what comes soon without sleeping: where messages follow each other closely, a processor that has just gone
//! to sleep takes longer to wake than the next message takes to come.
//!
//! The time for which it is looked before sleeping adapts to what came last, as the halt polling of Linux's KVM does:
//! it grows where sleeping turned out to be short, and falls to nothing where it was long. So who waits for what is rare
//! costs no processor time.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

/// For how long it is looked at first where that may help.
const LEAST: Duration = Duration::from_micros(20);
/// For how long it is looked at most.
const MOST: Duration = Duration::from_micros(200);

/// Who waits again and again at the same place.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// For how long it looks before it sleeps.
    window: Duration,
}

impl Watch {
    /// Waits until something can be read, or the other end is gone.
    pub fn wait(&mut self, at: &impl AsFd) -> io::Result<()> {
        let began = Instant::now();
        let mut is_there = is_readable(at, Some(&Timespec::default()))?;
        while !is_there && began.elapsed() < self.window {
            // Whoever is to send may need this processor.
            thread::yield_now();
            is_there = is_readable(at, Some(&Timespec::default()))?;
        }
        if !is_there {
            while !is_readable(at, None)? {}
            self.slept(began.elapsed());
        }
        Ok(())
    }

    /// Learns from a wait that looking did not end.
    fn slept(&mut self, time: Duration) {
        self.window = if time > MOST { Duration::ZERO } else { (self.window * 2).clamp(LEAST, MOST) };
    }
}

fn is_readable(at: &impl AsFd, time: Option<&Timespec>) -> io::Result<bool> {
    match poll(&mut [PollFd::new(at, PollFlags::IN)], time) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn short_sleeps_make_it_look_longer_and_a_long_one_not_at_all() {
        let mut watch = Watch::default();
        let windows: Vec<Duration> = (0..6)
            .map(|_| {
                watch.slept(MOST);
                watch.window
            })
            .collect();
        assert_eq!((windows[0], windows[1], windows[5]), (LEAST, 2 * LEAST, MOST));
        watch.slept(MOST + Duration::from_nanos(1));
        assert_eq!(watch.window, Duration::ZERO);
    }

    #[test]
    fn it_ends_with_a_message_and_with_the_other_end() {
        let (read, mut write) = io::pipe().expect("a pipe");
        for window in [Duration::ZERO, MOST] {
            let mut watch = Watch { window };
            write.write_all(b"m").expect("it is taken");
            watch.wait(&read).expect("it is there");
        }
        let (read, write) = io::pipe().expect("a pipe");
        let gone = thread::spawn(move || drop(write));
        Watch { window: MOST }.wait(&read).expect("the end is told");
        gone.join().expect("it ends");
    }
}
