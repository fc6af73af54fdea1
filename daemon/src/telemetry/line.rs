//! One record as one line of text.

use std::fmt::Debug;

use cached_proto::text::one_line;
use chrono::DateTime;
use chrono_tz::Tz;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// A record as the log file has it: `2026-03-08 02:00:00,123 - target - LEVEL - message`.
pub(super) fn for_file(event: &Event<'_>, at: DateTime<Tz>) -> String {
    let metadata = event.metadata();
    stamped(at, metadata.target(), *metadata.level(), &message(event))
}

/// The same about the log itself.
pub(super) fn of_our_own(at: DateTime<Tz>, message: &str) -> String {
    stamped(at, module_path!(), Level::WARN, message)
}

fn stamped(at: DateTime<Tz>, target: &str, level: Level, message: &str) -> String {
    format!(
        "{},{:03} - {} - {} - {}\n",
        at.format("%Y-%m-%d %H:%M:%S"),
        // A leap second has more than 999 of them.
        at.timestamp_subsec_millis() % 1000,
        one_line(target),
        word(level),
        one_line(message),
    )
}

/// A record as people read it on standard error.
pub(super) fn for_people(event: &Event<'_>) -> String {
    format!("{} {}\n", word(*event.metadata().level()), one_line(&message(event)))
}

/// The words of Python's `logging`, which VMS's own log files use.
fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

fn message(event: &Event<'_>) -> String {
    let mut message = Message(String::new());
    event.record(&mut message);
    message.0
}

/// The message without the fields: those are for the journal.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }
}
