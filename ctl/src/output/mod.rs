//! Output for people and scripts. Everything that renders is a pure function of a reply and a [`View`]: for which instant,
//! in which zone and width, with or without colour.

pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod target;

use std::io::{self, Write as _};

use cached_present::{Tone, duration, moment};
use cached_proto::time::Timestamp;
use chrono::{DateTime, Local, NaiveDate, Utc};
use chrono_tz::Tz;
use comfy_table::Color;
use serde::Serialize;

use crate::error::CtlError;
use crate::when::When;

/// Renders the value as indented JSON with a newline at its end.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, CtlError> {
    cached_present::json::pretty(value).map_err(CtlError::Json)
}

/// Writes to standard output. `print!` would panic on a closed pipe (`cachectl jobs | head -1`); here a
/// closed pipe is ignored and does not change the exit code of the verb.
pub(crate) fn print(text: &str) -> Result<(), CtlError> {
    match stream(text) {
        Err(CtlError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes part of a stream to standard output; a closed pipe is an error, so that the caller does not request
/// the rest.
pub(crate) fn stream(text: &str) -> Result<(), CtlError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CtlError::Stdout)
}

/// Writes a line to standard error. A failure is ignored, because there is no place left to report it.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Renders names as indented lines, as many to a line as the terminal has room for. None is broken.
pub(crate) fn indented<'a>(names: impl ExactSizeIterator<Item = &'a str>, view: &View) -> String {
    let width = view.width.map_or(usize::MAX, usize::from);
    let (mut lines, mut room, mut left) = (String::new(), 0, names.len());
    for name in names {
        left -= 1;
        let name = if left == 0 { name.to_owned() } else { format!("{name},") };
        let taken = name.len() + 1;
        if taken > room {
            lines.push_str(if lines.is_empty() { " " } else { "\n " });
            room = width.saturating_sub(1).max(taken);
        }
        lines.push(' ');
        lines.push_str(&name);
        room -= taken;
    }
    lines.push('\n');
    lines
}

/// What rendering depends on besides the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// The instant that ages are counted to.
    pub now: DateTime<Utc>,
    /// The zone that instants are shown in.
    pub zone: Zone,
    /// Columns of the terminal; `None` when standard output is not a terminal.
    pub width: Option<u16>,
    /// Whether and how colour is used.
    pub style: Style,
}

impl View {
    /// Returns this view in the daemon's zone, an IANA name; unchanged if this client does not know the zone.
    pub(crate) fn in_zone(self, iana: &str) -> Self {
        Self { zone: iana.parse().map_or(self.zone, Zone::Named), ..self }
    }

    /// Returns the instant of a time that was typed, in the zone of this view; `None` beyond the calendar.
    pub(crate) fn instant(&self, when: When) -> Option<DateTime<Utc>> {
        match self.zone {
            Zone::Named(zone) => when.instant(self.now, &zone),
            Zone::Local => when.instant(self.now, &Local),
        }
    }

    /// Returns the day of a time that was typed, in the zone of this view.
    pub(crate) fn day(&self, when: When) -> Option<NaiveDate> {
        match self.zone {
            Zone::Named(zone) => when.day(self.now, &zone),
            Zone::Local => when.day(self.now, &Local),
        }
    }

    /// Formats an instant with its zone: `Mon 23 Nov 02:00 CST`, with the year when it is not this one.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        match self.zone {
            Zone::Named(zone) => moment(at, &zone, self.now, "%Z"),
            Zone::Local => moment(at, &Local, self.now, "%:z"),
        }
    }

    /// Formats how far an instant is from now: `3 h 12 min ago`, `in 5 h`.
    pub(crate) fn distance(&self, at: Timestamp) -> String {
        let seconds = self.seconds_since(at);
        if seconds < 0.0 {
            format!("in {}", duration(-seconds))
        } else {
            format!("{} ago", duration(seconds))
        }
    }

    /// Formats the age of an instant without `ago`: `3 h 12 min`; `0.00 s` for the future.
    pub(crate) fn age(&self, at: Timestamp) -> String {
        duration(self.seconds_since(at))
    }

    fn seconds_since(&self, at: Timestamp) -> f64 {
        self.now.signed_duration_since(at.to_utc()).as_seconds_f64()
    }
}

/// The zone that instants are shown in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zone {
    /// A zone by its IANA name.
    Named(Tz),
    /// The zone of this machine, shown as an offset because its abbreviation is not known.
    Local,
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

/// The colour of a tone inside a table.
pub(super) const fn color(tone: Tone) -> Option<Color> {
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
    use crate::testing::{at, view};

    #[test]
    fn an_instant_names_its_zone_and_a_foreign_year() {
        for (instant, shown) in [
            ("2026-11-23T08:00:00Z", "Mon 23 Nov 02:00 CST"),
            ("2026-07-01T07:00:00Z", "Wed 1 Jul 02:00 CDT"),
            ("2027-01-01T08:00:00Z", "Fri 1 Jan 2027 02:00 CST"),
            ("2027-01-01T05:59:59Z", "Thu 31 Dec 23:59 CST"),
        ] {
            assert_eq!(view().moment(at(instant)), shown);
        }
    }

    #[test]
    fn any_timestamp_can_be_formatted() {
        for micros in [i64::MIN, i64::MAX] {
            for zone in [Zone::Named(Tz::Asia__Tokyo), Zone::Named(Tz::America__Chicago), Zone::Local] {
                let shown = View { zone, ..view() }.moment(Timestamp::from_micros(micros));
                assert!(!shown.is_empty());
                assert!(!view().distance(Timestamp::from_micros(micros)).is_empty());
            }
        }
    }

    #[test]
    fn indented_names_are_broken_between_names_only() {
        let names = ["district_year_end_reports", "organization_detail_cache", "dia_events_report_cache"];
        let lines = |width| indented(names.into_iter(), &View { width, ..view() });
        insta::assert_snapshot!(lines(None), @"  district_year_end_reports, organization_detail_cache, dia_events_report_cache");
        insta::assert_snapshot!(lines(Some(60)), @r"
        district_year_end_reports, organization_detail_cache,
        dia_events_report_cache
        ");
        assert_eq!(lines(Some(10)).lines().count(), 3);
    }

    #[test]
    fn past_and_future_distances_read_ago_and_in() {
        assert_eq!(view().distance(at("2026-11-22T20:00:00Z")), "44 min ago");
        assert_eq!(view().distance(at("2026-11-23T08:00:00Z")), "in 11 h 16 min");
    }

    #[test]
    fn colour_needs_a_terminal_and_an_unset_no_color() {
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
