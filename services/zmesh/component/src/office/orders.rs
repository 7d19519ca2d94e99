//! What is asked of whoever decides what runs.

use super::Office;
use super::asked::refused;
use crate::window::{Answer, Order};
use alloc::collections::VecDeque;
use alloc::format;
use sci::guest::ErrorCode;

/// Orders that wait: whoever decides takes them twenty times in a second.
const ORDERS_MAX: usize = 64;

/// Orders, oldest first, each with its space's number.
#[derive(Default)]
pub(super) struct Orders(VecDeque<(u32, Order)>);

impl Office {
    /// Takes an order for whoever decides: nothing is done here.
    pub(super) fn order(&mut self, space: u32, order: Order) -> Answer {
        let Some(member) = self.members.get(space as usize) else {
            return refused(ErrorCode::NotFound, "there is no such space".into());
        };
        if order == Order::Kill && !member.runs {
            return refused(ErrorCode::Invalid, format!("`{}` does not run", member.name));
        }
        let Orders(waiting) = &mut self.orders;
        if waiting.contains(&(space, order)) {
            return Answer::Done;
        }
        if waiting.len() >= ORDERS_MAX {
            return refused(ErrorCode::WouldBlock, "nobody who decides takes orders".into());
        }
        waiting.push_back((space, order));
        Answer::Done
    }

    /// The next order.
    pub fn next_order(&mut self) -> Option<(u32, Order)> {
        self.orders.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, PANEL, STORE, ask, code, office};
    use super::*;
    use crate::window::Question;

    #[test]
    fn orders_wait_for_whoever_decides_once_each() {
        let mut office = office(0);
        let order = |space: usize, order| Question::Order { space: space as u32, order };
        for _ in 0..2 {
            assert_eq!(ask(&mut office, &order(STORE, Order::Kill)), Answer::Done);
            assert_eq!(ask(&mut office, &order(PANEL, Order::Restart)), Answer::Done);
        }
        assert_eq!(office.next_order(), Some((STORE as u32, Order::Kill)));
        assert_eq!(office.next_order(), Some((PANEL as u32, Order::Restart)));
        assert_eq!(office.next_order(), None);
        // What does not run is not ended, but may be started.
        office.stop(STORE, NOW);
        assert_eq!(code(ask(&mut office, &order(STORE, Order::Kill))), "invalid");
        assert_eq!(ask(&mut office, &order(STORE, Order::Restart)), Answer::Done);
        assert_eq!(code(ask(&mut office, &order(9, Order::Restart))), "not-found");
    }
}
