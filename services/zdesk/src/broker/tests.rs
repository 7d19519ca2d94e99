//! The broker in a time of its own.

use super::*;
use crate::view::{Action, LogLine, Snapshot, Tapped, UiFile};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

/// So many messages wait for every space.
struct Waiting(Mutex<u64>);

impl Waiting {
    fn left(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Waiting {
    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }
    fn logs(&self, _: &str, _: &str, _: u64) -> Vec<LogLine> {
        Vec::new()
    }
    fn tap(&self, _: &str, _: &str, _: &str) -> Option<Receiver<Tapped>> {
        None
    }
    fn act(&self, _: &str, _: &str, _: Action) -> Result<(), Refusal> {
        Ok(())
    }
    fn grants(&self, _: &str, _: &str) -> Option<Vec<String>> {
        Some(vec!["net.recv_next".into()])
    }
    fn file(&self, _: &str, _: &str, _: &str) -> Option<UiFile> {
        None
    }
    fn emit(&self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Result<u64, Refusal> {
        Ok(1)
    }
    fn next(&self, _: &str, _: &str) -> Option<Delivery> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.checked_sub(1)?;
        let (way, from) = (Way::Path("p".into()), "a#1".into());
        Some(Delivery { way, from, id: *left, time: 0, body: Vec::new() })
    }
    fn log(&self, _: &str, _: &str, _: &str) {}
    fn subscribe(&self, _: &str, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
    fn violated(&self, _: &str, _: &str, _: &str) {}
}

const QUEUE: u64 = limits::FRAME_QUEUE_MAX as u64;

fn messages(news: &[News]) -> usize {
    news.iter().map(|news| news.messages.len()).sum()
}

#[test]
fn a_second_holds_so_many_calls() {
    let begin = Instant::now();
    let most = limits::MESSAGES_A_SECOND;
    let mut budget = Budget { left: f64::from(most), at: begin };
    let taken = |budget: &mut Budget, now| (0..2 * most).filter(|_| budget.take(now)).count();
    assert_eq!(taken(&mut budget, begin), most as usize);
    assert_eq!(taken(&mut budget, begin + Duration::from_millis(500)), most as usize / 2);
    assert_eq!(taken(&mut budget, begin + Duration::from_mins(1)), most as usize);
    // A clock that goes back gives nothing.
    assert_eq!(taken(&mut budget, begin), 0);
}

#[test]
fn a_page_that_does_not_look_takes_no_more_than_fits() {
    let (source, begin) = (Waiting(Mutex::new(3 * QUEUE)), Instant::now());
    let mut broker = Broker::default();
    broker.open(&source, ("s", "one"), ("app", "ui"), begin).unwrap();
    broker.open(&source, ("s", "other"), ("app", "ui"), begin).unwrap();
    broker.pump(&source, begin);
    assert_eq!(source.left(), 2 * QUEUE);
    // One page looks, the other does not: it still holds both back, for a while.
    assert_eq!(messages(&broker.collect("s", "one")), limits::FRAME_QUEUE_MAX);
    broker.pump(&source, begin);
    assert_eq!(source.left(), 2 * QUEUE);
    // Then it misses the oldest.
    let late = begin + limits::FRAME_LATE;
    broker.look("s", "one", late);
    broker.pump(&source, late);
    assert_eq!(source.left(), QUEUE);
    assert_eq!(messages(&broker.collect("s", "one")), limits::FRAME_QUEUE_MAX);
    let missed = broker.collect("s", "other");
    assert_eq!((messages(&missed), missed[0].messages[0].id.as_str()), (limits::FRAME_QUEUE_MAX, "511"));
    // Where nobody looks, nothing is taken.
    broker.pump(&source, late + limits::FRAME_LATE);
    assert_eq!(source.left(), QUEUE);
}

#[test]
fn a_page_that_is_gone_loses_its_frames() {
    let (source, begin) = (Waiting(Mutex::new(0)), Instant::now());
    let mut broker = Broker::default();
    let opened = broker.open(&source, ("s", "one"), ("app", "ui"), begin).unwrap();
    broker.pump(&source, begin + limits::FRAME_SILENCE / 2);
    broker.look("s", "one", begin + limits::FRAME_SILENCE / 2);
    broker.pump(&source, begin + limits::FRAME_SILENCE);
    assert!(broker.shown(&opened.ticket).is_some());
    broker.pump(&source, begin + 2 * limits::FRAME_SILENCE);
    assert!(broker.shown(&opened.ticket).is_none() && !broker.has_frames("s", "one"));
}
