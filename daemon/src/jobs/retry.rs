//! Retry policy for failed jobs.

use std::time::Duration;

/// How often and how soon a failed job is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// Longest pause before the second attempt; it doubles with each further one.
    pub base_delay: Duration,
    /// Longest pause at all.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// The pause before the next attempt after `failures` failed ones; `None` when no attempt is left.
    ///
    /// Exponential backoff with full jitter: `chance` picks uniformly between zero and `base_delay` doubled
    /// with each failure, `max_delay` at most. Jobs that were blocked by the same cause at once are thereby
    /// retried one by one.
    pub fn pause(&self, failures: u32, chance: u64) -> Option<Duration> {
        (failures < self.attempts).then(|| share(self.longest_pause(failures), chance))
    }

    /// Upper bound of the pause after `failures` failed attempts.
    pub fn longest_pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.checked_pow(failures.saturating_sub(1));
        doubled
            .and_then(|times| self.base_delay.checked_mul(times))
            .unwrap_or(Duration::MAX)
            .min(self.max_delay)
    }
}

/// Scales `whole` by `chance` as a fraction of its range; both ends can be reached.
fn share(whole: Duration, chance: u64) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    let part = u128::from(micros) * u128::from(chance) / u128::from(u64::MAX);
    Duration::from_micros(u64::try_from(part).unwrap_or(micros))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { attempts: 20, base_delay: Duration::from_secs(2), max_delay: Duration::from_mins(5) };

    #[test]
    fn the_longest_pause_doubles_up_to_its_limit() {
        let longest = [1, 2, 3, 8, 9, 19, u32::MAX].map(|n| POLICY.longest_pause(n).as_secs());
        assert_eq!(longest, [2, 4, 8, 256, 300, 300, 300]);
    }

    #[test]
    fn chance_reaches_both_ends_and_the_middle() {
        let pauses = [0, u64::MAX / 2 + 1, u64::MAX].map(|chance| POLICY.pause(2, chance).unwrap());
        assert_eq!(pauses.map(|pause| pause.as_millis()), [0, 2000, 4000]);
    }

    proptest! {
        #[test]
        fn a_pause_is_within_its_bounds_and_grows_with_chance(
            attempts in 1_u32..30,
            base in 0_u64..4_000_000_000,
            max in 0_u64..100_000_000_000,
            failures in 1_u32..40,
            chance in any::<[u64; 2]>(),
        ) {
            let policy = RetryPolicy {
                attempts,
                base_delay: Duration::from_micros(base),
                max_delay: Duration::from_micros(max),
            };
            let [less, more] = [chance[0].min(chance[1]), chance[0].max(chance[1])];
            let pauses = (policy.pause(failures, less), policy.pause(failures, more));
            prop_assert_eq!(pauses.0.is_some(), failures < attempts);
            if let (Some(short), Some(long)) = pauses {
                let ceiling = (u128::from(base) << (failures - 1)).min(u128::from(max));
                prop_assert!(short <= long && long.as_micros() <= ceiling);
                prop_assert!(policy.longest_pause(failures + 1) >= policy.longest_pause(failures));
            }
        }
    }
}
