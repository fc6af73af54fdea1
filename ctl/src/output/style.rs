//! Colour, and which words deserve which.

use cached_proto::words::{HealthLevel, Outcome, Phase, TableState};
use comfy_table::Color;

/// What a word means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Wants attention, or is on its way.
    Warning,
    /// Broken.
    Bad,
    /// Neither.
    Plain,
}

/// Whether colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// True only on a terminal whose user has not switched colour off.
    pub colour: bool,
}

impl Style {
    /// The rule of <https://no-color.org>: any value but the empty one switches colour off.
    pub(crate) fn decide(is_terminal: bool, no_color: Option<&str>, term: Option<&str>) -> Self {
        Self { colour: is_terminal && no_color.is_none_or(str::is_empty) && term != Some("dumb") }
    }

    /// The text in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        match (self.colour, tone) {
            (false, _) | (_, Tone::Plain) => text.to_owned(),
            (true, Tone::Good) => format!("\u{1b}[32m{text}\u{1b}[0m"),
            (true, Tone::Warning) => format!("\u{1b}[33m{text}\u{1b}[0m"),
            (true, Tone::Bad) => format!("\u{1b}[31m{text}\u{1b}[0m"),
        }
    }
}

impl Tone {
    /// The same colour inside a table.
    pub(crate) const fn color(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::DarkGreen),
            Self::Warning => Some(Color::DarkYellow),
            Self::Bad => Some(Color::DarkRed),
            Self::Plain => None,
        }
    }
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

/// A word of the vocabulary as people read it: `not applicable`.
pub(crate) fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// Where a run or job stands: its outcome once it has one, its phase before.
pub(crate) fn standing(phase: Phase, outcome: Option<Outcome>) -> (String, Tone) {
    match (phase, outcome) {
        (Phase::Running | Phase::Queued, _) => (phase.to_string(), Tone::Warning),
        (Phase::Done, Some(outcome)) => (spoken(outcome.as_str()), outcome.into()),
        (Phase::Done | Phase::Cancelled, _) => (phase.to_string(), Tone::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_needs_a_terminal_and_no_objection() {
        for (is_terminal, no_color, term, colour) in [
            (true, None, None, true),
            (true, Some(""), Some("xterm"), true),
            (true, Some("1"), Some("xterm"), false),
            (true, Some("0"), None, false),
            (true, None, Some("dumb"), false),
            (false, None, Some("xterm"), false),
        ] {
            assert_eq!(Style::decide(is_terminal, no_color, term), Style { colour }, "{no_color:?} {term:?}");
        }
    }

    #[test]
    fn paint_adds_nothing_without_colour() {
        assert_eq!(Style { colour: false }.paint(Tone::Bad, "stale"), "stale");
        assert_eq!(Style { colour: true }.paint(Tone::Bad, "stale"), "\u{1b}[31mstale\u{1b}[0m");
    }
}
