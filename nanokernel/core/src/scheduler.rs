//! The ready queue: fixed priorities, first come first served among equals.
//!
//! A thread's rank is its priority + 1. The running thread is in no queue, and no thread in the queue has a
//! higher rank than it: whoever makes a thread ready calls [`crate::Kernel::reschedule`] before it leaves.

use crate::table::{REALMS, Table};
use crate::thread::{NONE, Thread, ThreadState};

/// Every thread.
pub type Threads = Table<Thread, REALMS>;

/// Threads that could run.
#[derive(Debug)]
pub struct Ready {
    first: Table<u16, 512>,
    last: Table<u16, 512>,
    occupied: [u64; 5],
    /// Rank of the first in line, 0 when nobody is.
    pub top: u32,
}

impl Ready {
    /// Nobody.
    pub const fn new() -> Self {
        Self { first: Table::new(NONE), last: Table::new(NONE), occupied: [0; 5], top: 0 }
    }

    /// Puts a thread at the end of its rank's line.
    pub fn push(&mut self, threads: &mut Threads, index: u16) {
        let rank = self.enter(threads, index);
        let last = *self.last.at(rank as usize);
        let thread = threads.at_mut(index as usize);
        thread.next = NONE;
        thread.previous = last;
        if last == NONE {
            *self.first.at_mut(rank as usize) = index;
        } else {
            threads.at_mut(last as usize).next = index;
        }
        *self.last.at_mut(rank as usize) = index;
    }

    /// Puts a thread that was preempted at the front of its rank's line.
    pub fn push_front(&mut self, threads: &mut Threads, index: u16) {
        let rank = self.enter(threads, index);
        let first = *self.first.at(rank as usize);
        let thread = threads.at_mut(index as usize);
        thread.next = first;
        thread.previous = NONE;
        if first == NONE {
            *self.last.at_mut(rank as usize) = index;
        } else {
            threads.at_mut(first as usize).previous = index;
        }
        *self.first.at_mut(rank as usize) = index;
    }

    /// Takes the first of the highest rank.
    pub fn pop(&mut self, threads: &mut Threads) -> Option<u16> {
        if self.top == 0 {
            return None;
        }
        let index = *self.first.at(self.top as usize);
        self.remove(threads, index);
        Some(index)
    }

    /// Takes a thread out of the line.
    pub fn remove(&mut self, threads: &mut Threads, index: u16) {
        let thread = threads.at_mut(index as usize);
        assert!(thread.state == ThreadState::Ready, "only a ready thread is in the queue");
        let (rank, next, previous) = (thread.rank, thread.next, thread.previous);
        thread.next = NONE;
        thread.previous = NONE;
        thread.state = ThreadState::Stopped;
        if previous == NONE {
            *self.first.at_mut(rank as usize) = next;
        } else {
            threads.at_mut(previous as usize).next = next;
        }
        if next == NONE {
            *self.last.at_mut(rank as usize) = previous;
        } else {
            threads.at_mut(next as usize).previous = previous;
        }
        if *self.first.at(rank as usize) == NONE {
            if let Some(word) = self.occupied.get_mut(rank as usize >> 6) {
                *word &= !(1 << (rank & 63));
            }
            if self.top == rank {
                self.top = self.highest();
            }
        }
    }

    fn enter(&mut self, threads: &mut Threads, index: u16) -> u32 {
        let thread = threads.at_mut(index as usize);
        assert!(thread.rank > 0 && thread.rank <= 256, "the idle thread is in no queue");
        thread.state = ThreadState::Ready;
        if let Some(word) = self.occupied.get_mut(thread.rank as usize >> 6) {
            *word |= 1 << (thread.rank & 63);
        }
        self.top = self.top.max(thread.rank);
        thread.rank
    }

    fn highest(&self) -> u32 {
        let found = self.occupied.iter().enumerate().rev().find(|(_, word)| **word != 0);
        found.map_or(0, |(index, word)| (index as u32) << 6 | (63 - word.leading_zeros()))
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(ranks: &[u32]) -> Box<Threads> {
        let mut threads = Box::new(Table::new(Thread::UNUSED));
        for (index, rank) in ranks.iter().enumerate() {
            threads.at_mut(index + 1).rank = *rank;
        }
        threads
    }

    #[test]
    fn the_highest_rank_runs_first_and_equals_in_turn() {
        let mut threads = threads(&[5, 256, 5, 64, 5]);
        let mut ready = Ready::new();
        for index in 1..=5 {
            ready.push(&mut threads, index);
        }
        let order: Vec<u16> = std::iter::from_fn(|| ready.pop(&mut threads)).collect();
        assert_eq!(order, [2, 4, 1, 3, 5]);
        assert_eq!(ready.top, 0);
    }

    #[test]
    fn a_preempted_thread_keeps_its_place() {
        let mut threads = threads(&[5, 5, 5]);
        let mut ready = Ready::new();
        ready.push(&mut threads, 1);
        ready.push(&mut threads, 2);
        ready.push_front(&mut threads, 3);
        ready.remove(&mut threads, 1);
        assert_eq!(ready.pop(&mut threads), Some(3));
        assert_eq!(ready.pop(&mut threads), Some(2));
        assert_eq!(ready.pop(&mut threads), None);
    }
}
