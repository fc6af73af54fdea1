//! Whether a word reports something good or bad.

use super::spoken;
use crate::words::{HealthLevel, Outcome, Phase, TableState};

/// What a word means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The expected state.
    Good,
    /// Needs attention, or is in progress.
    Warning,
    /// Broken.
    Bad,
    /// Neither.
    Plain,
}

impl From<TableState> for Tone {
    fn from(state: TableState) -> Self {
        match state {
            TableState::Fresh => Self::Good,
            TableState::Stale | TableState::Missing | TableState::Incomplete => Self::Warning,
            TableState::Invalid | TableState::Guarded | TableState::Disabled => Self::Bad,
            TableState::Withheld | TableState::Off | TableState::NotApplicable => Self::Plain,
        }
    }
}

impl From<Outcome> for Tone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Rebuilt | Outcome::Verified | Outcome::Mixed | Outcome::Skipped => Self::Good,
            Outcome::Withheld | Outcome::Off | Outcome::NotApplicable => Self::Plain,
            Outcome::Guarded | Outcome::Disabled | Outcome::Failed => Self::Bad,
        }
    }
}

impl From<HealthLevel> for Tone {
    fn from(level: HealthLevel) -> Self {
        match level {
            HealthLevel::Healthy => Self::Good,
            HealthLevel::Degraded => Self::Warning,
            HealthLevel::Unhealthy => Self::Bad,
        }
    }
}

/// Returns the state of a run or job: its outcome once it has one, its phase before.
pub fn standing(phase: Phase, outcome: Option<Outcome>) -> (String, Tone) {
    match (phase, outcome) {
        (Phase::Running | Phase::Queued, _) => (phase.to_string(), Tone::Warning),
        (Phase::Done, Some(outcome)) => (spoken(outcome.as_str()), outcome.into()),
        (Phase::Done | Phase::Cancelled, _) => (phase.to_string(), Tone::Plain),
    }
}
