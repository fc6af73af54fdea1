//! Formats a record as one line of text, and parses it back.

use std::fmt::Debug;

use cached_proto::text::one_line;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Separator between the parts of a line.
const GAP: &str = " - ";

/// Format of the time, without milliseconds.
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// What can be parsed from the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) at: DateTime<Utc>,
    pub(super) run: Option<i64>,
}

/// Formats a record for the log file: `2026-03-08 02:00:00,123 - target - LEVEL - message`.
///
/// The number of the run that a record is about is the last part of its target, `cached::refresh::run::12`.
/// No module has such a name and no data gets into a target, while a number within the message could be
/// forged by data, and would change messages that scripts search for.
pub(super) fn for_file(event: &Event<'_>, at: DateTime<Tz>) -> String {
    let metadata = event.metadata();
    let LineFields { message, run } = LineFields::in_event(event);
    let run = run.map_or_else(String::new, |run| format!("::{run}"));
    stamped(at, &format!("{}{run}", metadata.target()), *metadata.level(), &message)
}

/// Formats a record about the log itself.
pub(super) fn of_our_own(at: DateTime<Tz>, message: &str) -> String {
    stamped(at, module_path!(), Level::WARN, message)
}

fn stamped(at: DateTime<Tz>, target: &str, level: Level, message: &str) -> String {
    format!(
        "{},{:03}{GAP}{}{GAP}{}{GAP}{}\n",
        at.format(TIME),
        // In a leap second, milliseconds go beyond 999.
        at.timestamp_subsec_millis() % 1000,
        one_line(target),
        word(level),
        one_line(message),
    )
}

/// Whether a line begins as every line of the file does.
pub(super) fn is_ours(line: &str) -> bool {
    parts(line).is_some()
}

/// The civil time and the target at the start of a line.
fn parts(line: &str) -> Option<(NaiveDateTime, &str)> {
    let (time, rest) = line.split_once(GAP)?;
    let (target, _) = rest.split_once(GAP)?;
    let at = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S,%3f").ok()?;
    Some((at, target))
}

/// Parses the start of a line of the file; `None` for a line in another format, or one that was cut off.
///
/// Where a local time is ambiguous because the clock goes back, the earlier instant is taken.
pub(super) fn head(line: &str, zone: Tz) -> Option<Head> {
    let (at, target) = parts(line)?;
    let at = at.and_local_timezone(zone).earliest()?.to_utc();
    let run = target.rsplit_once("::").and_then(|(_, last)| last.parse().ok());
    Some(Head { at, run })
}

/// Formats a record for people who read standard error.
pub(super) fn for_people(event: &Event<'_>) -> String {
    let LineFields { message, .. } = LineFields::in_event(event);
    format!("{} {}\n", word(*event.metadata().level()), one_line(&message))
}

/// The level names of Python's `logging`, which VMS's own log files use.
fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// The message and the run, without the other fields, which are for the journal.
#[derive(Default)]
struct LineFields {
    message: String,
    run: Option<i64>,
}

impl LineFields {
    fn in_event(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }
}

impl Visit for LineFields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if field.name() == "run_id" {
            self.run = Some(value);
        }
    }
}

/// Prints a message about logging itself to standard error, since it cannot be logged; errors of that are
/// ignored.
pub(super) fn note(message: &str) {
    to_stderr(&format!("{}\n", one_line(message)));
}

/// Writes to standard error at once, so that lines of several threads do not mix. Errors are ignored: standard
/// error may be closed.
pub(super) fn to_stderr(text: &str) {
    // The test harness captures what macros print and nothing else.
    #[cfg(test)]
    eprint!("{text}");
    #[cfg(not(test))]
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
