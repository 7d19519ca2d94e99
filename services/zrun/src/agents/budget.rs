//! What was spent, and what may be.

use sci::guest::ErrorCode;
use serde::{Deserialize, Serialize};
use services_topology::agent::{Budget, Price};

/// Milliseconds of a day and of a minute.
const DAY: u64 = 24 * 60 * 60 * 1000;
const MINUTE: u64 = 60 * 1000;
/// Tokens of a price, and millionths of its unit.
const MILLION: u64 = 1_000_000;

/// What was spent on a model in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Days since 1970.
    day: u64,
    /// Requests, those among them that failed.
    pub requests: u64,
    /// Tokens of questions and answers.
    pub tokens: u64,
    /// Cost, in millionths of the price's unit.
    pub cost_millionths: u64,
}

impl Spent {
    /// Counts a request that is about to be made, if the budget has room for it.
    pub fn admit(&mut self, budget: &Budget, now: u64) -> Result<(), ErrorCode> {
        *self = self.at(now);
        let is_within = |spent: u64, most: Option<u64>| most.is_none_or(|most| spent < most);
        let has_room = is_within(self.requests, budget.requests)
            && is_within(self.tokens, budget.tokens)
            && is_within(self.cost_millionths, budget.cost_millionths);
        if !has_room {
            return Err(ErrorCode::Quota);
        }
        self.requests += 1;
        Ok(())
    }

    /// What of it counts at a time.
    #[must_use]
    pub fn at(self, now: u64) -> Self {
        let day = now / DAY;
        if day == self.day { self } else { Self { day, ..Self::default() } }
    }

    /// Counts what an answer took.
    pub fn charge(&mut self, question: u64, answer: u64, price: Option<&Price>) {
        self.tokens = self.tokens.saturating_add(question).saturating_add(answer);
        if let Some(price) = price {
            let cost = |tokens: u64, each: u64| u128::from(tokens) * u128::from(each) / u128::from(MILLION);
            let cost = cost(question, price.input_millionths) + cost(answer, price.output_millionths);
            self.cost_millionths =
                self.cost_millionths.saturating_add(u64::try_from(cost).unwrap_or(u64::MAX));
        }
    }
}

/// Requests of a minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Minute {
    start: u64,
    requests: u32,
}

impl Minute {
    /// Counts a request, if so many may be made in a minute.
    pub fn admit(&mut self, most: u32, now: u64) -> Result<(), ErrorCode> {
        if now.saturating_sub(self.start) >= MINUTE {
            *self = Self { start: now, requests: 0 };
        }
        if self.requests >= most {
            return Err(ErrorCode::WouldBlock);
        }
        self.requests += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds_for_a_day() {
        let budget = |requests, tokens, cost_millionths| Budget { requests, tokens, cost_millionths };
        let price = Price { input_millionths: 150_000, output_millionths: 600_000 };
        let mut spent = Spent::default();
        assert_eq!(spent.admit(&budget(Some(1), None, None), DAY), Ok(()));
        assert_eq!(spent.admit(&budget(Some(1), None, None), 2 * DAY - 1), Err(ErrorCode::Quota));
        spent.charge(1000, 500, Some(&price));
        assert_eq!((spent.tokens, spent.cost_millionths), (1500, 150 + 300));
        assert_eq!(spent.admit(&budget(None, Some(1500), None), DAY), Err(ErrorCode::Quota));
        assert_eq!(spent.admit(&budget(None, None, Some(450)), DAY), Err(ErrorCode::Quota));
        assert_eq!(spent.admit(&budget(None, Some(1501), Some(451)), DAY), Ok(()));
        assert_eq!(spent.admit(&budget(Some(1), Some(1), Some(1)), 2 * DAY), Ok(()), "a new day");
    }

    #[test]
    fn a_minute_has_so_many_requests() {
        let mut minute = Minute::default();
        assert_eq!((minute.admit(2, 60_000), minute.admit(2, 60_001)), (Ok(()), Ok(())));
        assert_eq!(minute.admit(2, 119_999), Err(ErrorCode::WouldBlock));
        assert_eq!(minute.admit(2, 120_000), Ok(()));
        assert_eq!(minute.admit(0, 500_000), Err(ErrorCode::WouldBlock));
    }
}
