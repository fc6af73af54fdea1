//! Colours, and which words get one.

pub(crate) use cached_proto::speech::{Tone, spoken, standing};
use comfy_table::Color;

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

/// The colour of a tone inside a table.
pub(crate) const fn color(tone: Tone) -> Option<Color> {
    match tone {
        Tone::Good => Some(Color::DarkGreen),
        Tone::Warning => Some(Color::DarkYellow),
        Tone::Bad => Some(Color::DarkRed),
        Tone::Plain => None,
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
