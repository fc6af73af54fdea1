//! When to look: once things are quiet, or when they have not been for too long.

use std::time::Duration;

/// How long a look waits for quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Nothing must have moved for so long.
    pub quiet: Duration,
    /// After so long since the first move, quiet is no longer waited for.
    pub max_delay: Duration,
}

/// Turns any number of moves into few looks. Instants are those of a clock that never goes back.
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
    /// Something moved. True for the first move since the last look.
    pub fn moved(&mut self, now: Duration) -> bool {
        let first = self.moves.map_or(now, |moves| moves.first);
        self.moves.replace(Moves { first, last: now }).is_none()
    }

    /// Whether it is time to look.
    pub fn is_due(&self, now: Duration, patience: Patience) -> bool {
        self.moves.is_some_and(|Moves { first, last }| {
            now.saturating_sub(last) >= patience.quiet || now.saturating_sub(first) >= patience.max_delay
        })
    }

    /// It was looked, so what moved before is settled.
    pub fn settle(&mut self) {
        self.moves = None;
    }

    /// It could not be looked: waits as if the first move were now.
    pub fn postpone(&mut self, now: Duration) {
        self.moves = Some(Moves { first: now, last: now });
    }
}
