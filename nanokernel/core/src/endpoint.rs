//! Endpoints: the inbox of a component, where messages and notifications arrive.
//!
//! Every realm has one, with the realm's index. Its queue links waiting senders by rank, then arrival, through
//! the threads themselves; a dead child's report to its supervisor waits there too.

use crate::scheduler::Threads;
use crate::table::Table;
use crate::thread::NONE;

/// One inbox.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// The thread that waits here, or none.
    pub receiver: u16,
    /// First thread in the queue, or none.
    pub queue: u16,
    /// What a capability to this inbox must carry; changes when the realm's index gets another realm.
    pub stamp: u32,
    /// Notification bits that were not received yet.
    pub pending: u64,
    /// Callers whose replies were kept, by client number.
    pub kept: Table<u16, 64>,
}
const _: () = assert!(sci::limits::CLIENTS_MAX == 64, "a kept reply is named by its client's number");

impl Endpoint {
    /// An inbox where nobody waits.
    pub const EMPTY: Self =
        Self { receiver: NONE, queue: NONE, stamp: 0, pending: 0, kept: Table::new(NONE) };

    /// Puts a thread in the queue, behind those of its rank and before lower ones.
    pub fn enqueue(&mut self, threads: &mut Threads, index: u16) {
        let rank = threads.at(index as usize).rank;
        let (mut before, mut after) = (NONE, self.queue);
        while after != NONE && threads.at(after as usize).rank >= rank {
            before = after;
            after = threads.at(after as usize).next;
        }
        let thread = threads.at_mut(index as usize);
        thread.next = after;
        thread.previous = before;
        if before == NONE {
            self.queue = index;
        } else {
            threads.at_mut(before as usize).next = index;
        }
        if after != NONE {
            threads.at_mut(after as usize).previous = index;
        }
    }

    /// Takes a thread out of the queue.
    pub fn remove(&mut self, threads: &mut Threads, index: u16) {
        let thread = threads.at_mut(index as usize);
        let (next, previous) = (thread.next, thread.previous);
        thread.next = NONE;
        thread.previous = NONE;
        if previous == NONE {
            assert!(self.queue == index, "a thread without a predecessor is the queue's first");
            self.queue = next;
        } else {
            threads.at_mut(previous as usize).next = next;
        }
        if next != NONE {
            threads.at_mut(next as usize).previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::Thread;

    #[test]
    fn senders_wait_by_rank_then_arrival() {
        let mut threads: Box<Threads> = Box::new(Table::new(Thread::UNUSED));
        let mut endpoint = Endpoint::EMPTY;
        for (index, rank) in [(1, 5), (2, 9), (3, 5), (4, 9), (5, 1)] {
            threads.at_mut(index as usize).rank = rank;
            endpoint.enqueue(&mut threads, index);
        }
        endpoint.remove(&mut threads, 3);
        let mut order = Vec::new();
        while endpoint.queue != NONE {
            order.push(endpoint.queue);
            endpoint.remove(&mut threads, endpoint.queue);
        }
        assert_eq!(order, [2, 4, 1, 5]);
    }
}
