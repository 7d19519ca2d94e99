//! When a space that ended is started again.

use crate::random;
use serde::{Deserialize, Serialize};

/// After which ends a space is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// After none, its host's death among them: it runs once.
    Never,
    /// After a failure.
    #[default]
    OnFailure,
    /// After every end.
    Always,
}

/// When and how often a space is started again. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// After which ends.
    pub when: When,
    /// Starts again in a row before it counts as failed; none: without end.
    pub attempts: Option<u32>,
    /// The wait before the first; it doubles with each.
    pub first_wait: u64,
    /// The longest wait.
    pub longest_wait: u64,
    /// After running so long the count begins anew.
    pub stable: u64,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            when: When::OnFailure,
            attempts: Some(8),
            first_wait: 200,
            longest_wait: 60_000,
            stable: 30_000,
        }
    }
}

impl RestartPolicy {
    /// The wait before a start again, counted from 1: between half of the doubled wait and all of it.
    pub fn wait(&self, attempt: u32, word: u64) -> u64 {
        let doubled =
            1_u64.checked_shl(attempt.saturating_sub(1)).and_then(|times| self.first_wait.checked_mul(times));
        let longest = doubled.unwrap_or(u64::MAX).min(self.longest_wait);
        let spread = usize::try_from(longest / 2).unwrap_or(usize::MAX - 1);
        longest - random::below(random::mix(word ^ u64::from(attempt)), spread + 1) as u64
    }

    /// Whether it is started again after an end, and if not, whether for too many of them.
    pub(crate) fn again(&self, failed: bool, attempts: u32) -> Again {
        match self.when {
            When::Never => Again::No,
            When::OnFailure if !failed => Again::No,
            _ if self.attempts.is_some_and(|most| attempts >= most) => Again::GivenUp,
            _ => Again::Yes,
        }
    }
}

/// What follows an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    Yes,
    No,
    GivenUp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_bounds_and_follow_from_the_word() {
        let policy = RestartPolicy { first_wait: 100, longest_wait: 1000, ..RestartPolicy::default() };
        for word in 0..200 {
            for (attempt, longest) in
                [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (64, 1000), (65, 1000), (u32::MAX, 1000)]
            {
                let wait = policy.wait(attempt, word);
                assert!((longest / 2..=longest).contains(&wait), "{attempt}: {wait}");
                assert_eq!(wait, policy.wait(attempt, word));
            }
        }
        assert!((0..20).any(|word| policy.wait(1, word) != policy.wait(1, 20)));
        assert_eq!(RestartPolicy { first_wait: 0, ..policy }.wait(9, 1), 0);
    }

    #[test]
    fn the_policy_decides_by_end_and_count() {
        let policy = |when| RestartPolicy { when, attempts: Some(2), ..RestartPolicy::default() };
        assert_eq!(policy(When::Never).again(true, 0), Again::No);
        assert_eq!(policy(When::OnFailure).again(false, 0), Again::No);
        assert_eq!(policy(When::OnFailure).again(true, 1), Again::Yes);
        assert_eq!(policy(When::Always).again(false, 1), Again::Yes);
        assert_eq!(policy(When::Always).again(false, 2), Again::GivenUp);
    }
}
