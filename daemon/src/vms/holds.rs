//! Measures how long this process held VMS's write lock, which VMS's own writers wait for.

use std::time::Duration;

use cached_proto::lock::WriteLock;

use crate::clock::Clock;

const fn micros(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Upper bounds of the buckets in which holds are counted; longer ones have a bucket of their own.
pub const HOLD_BOUNDS: [Duration; 13] = [
    micros(1_000),
    micros(2_500),
    micros(5_000),
    micros(10_000),
    micros(25_000),
    micros(50_000),
    micros(100_000),
    micros(250_000),
    micros(500_000),
    micros(1_000_000),
    micros(2_500_000),
    micros(5_000_000),
    micros(10_000_000),
];

const BUCKETS: usize = HOLD_BOUNDS.len() + 1;

/// Holds of the write lock, each from the moment it was granted until the commit or rollback had returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockHolds {
    buckets: [u64; BUCKETS],
    total: Duration,
    longest: Duration,
}

impl LockHolds {
    /// No holds: the lock was never held.
    pub const NONE: Self = Self { buckets: [0; BUCKETS], total: Duration::ZERO, longest: Duration::ZERO };

    /// Counts one hold.
    pub fn add(&mut self, held: Duration) {
        let bucket = HOLD_BOUNDS.partition_point(|&bound| bound < held);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.total = self.total.saturating_add(held);
        self.longest = self.longest.max(held);
    }

    /// Adds the holds of another part of the work.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.buckets.iter_mut().zip(other.buckets) {
            *count = count.saturating_add(more);
        }
        self.total = self.total.saturating_add(other.total);
        self.longest = self.longest.max(other.longest);
    }

    /// Returns how many holds were within each bound of [`HOLD_BOUNDS`] and above the one before it; the last
    /// number counts those that were longer than all bounds.
    pub fn buckets(&self) -> &[u64; BUCKETS] {
        &self.buckets
    }

    /// Returns the total time of all holds.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Returns the figures in the form that is sent to clients.
    pub fn figures(&self) -> WriteLock {
        WriteLock {
            count: self.buckets.iter().sum(),
            seconds: self.total.as_secs_f64(),
            longest: self.longest.as_secs_f64(),
        }
    }
}

/// Measures holds.
#[derive(Debug)]
pub struct LockMeter<'a> {
    clock: &'a dyn Clock,
    holds: LockHolds,
}

impl<'a> LockMeter<'a> {
    /// Creates a meter that has measured nothing yet.
    pub fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, holds: LockHolds::NONE }
    }

    /// Returns the instant at which the lock was granted, for [`released`](Self::released).
    pub fn granted(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Records that the lock that was granted at `granted` has been released.
    pub fn released(&mut self, granted: Duration) {
        self.holds.add(self.clock.monotonic().saturating_sub(granted));
    }

    /// Returns the measured holds.
    pub fn holds(&self) -> LockHolds {
        self.holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(micros: &[u64]) -> LockHolds {
        let mut holds = LockHolds::NONE;
        for &hold in micros {
            holds.add(Duration::from_micros(hold));
        }
        holds
    }

    #[test]
    fn a_hold_counts_in_the_first_bucket_that_it_fits_in() {
        for (micros, bucket) in
            [(0, 0), (1_000, 0), (1_001, 1), (12_000, 4), (10_000_000, 12), (10_000_001, 13), (u64::MAX, 13)]
        {
            let holds = held(&[micros]);
            let filled: Vec<usize> = (0..BUCKETS).filter(|&bucket| holds.buckets()[bucket] == 1).collect();
            assert_eq!(filled, [bucket], "{micros} microseconds");
        }
    }

    #[test]
    fn parts_of_the_work_merge_to_the_whole() {
        let mut merged = held(&[900, 20_000]);
        merged.merge(&held(&[3_000]));
        assert_eq!(merged, held(&[900, 20_000, 3_000]));
        assert_eq!(merged.figures(), WriteLock { count: 3, seconds: 0.0239, longest: 0.02 });
        assert_eq!(LockHolds::NONE.figures(), WriteLock::default());
    }
}
