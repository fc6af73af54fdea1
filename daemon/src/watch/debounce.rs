//! Decides when to check the database: after a quiet period, or after a maximum delay without one.

use std::time::Duration;

/// How long a check is delayed while changes continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Required time without a further change.
    pub quiet: Duration,
    /// Time since the first change after which the check no longer waits for quiet.
    pub max_delay: Duration,
}

/// Coalesces any number of changes into few checks. Timestamps are those of a monotonic clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debounce {
    moves: Option<Moves>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moves {
    first: Duration,
    last: Duration,
}

impl Debounce {
    /// Records a change. Returns true for the first change since the last check.
    pub fn moved(&mut self, now: Duration) -> bool {
        let first = self.moves.map_or(now, |moves| moves.first);
        self.moves.replace(Moves { first, last: now }).is_none()
    }

    /// Whether a check is due.
    pub fn is_due(&self, now: Duration, patience: Patience) -> bool {
        self.moves.is_some_and(|Moves { first, last }| {
            now.saturating_sub(last) >= patience.quiet || now.saturating_sub(first) >= patience.max_delay
        })
    }

    /// Records a completed check, which covers all earlier changes.
    pub fn settle(&mut self) {
        self.moves = None;
    }

    /// Records a check that could not be made: waits as if the first change were now.
    pub fn postpone(&mut self, now: Duration) {
        self.moves = Some(Moves { first: now, last: now });
    }
}
