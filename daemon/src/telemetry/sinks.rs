//! The log file and standard error as `tracing` layers.

use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;

use super::file::LogFile;
use super::line;

/// Appends records to the log file.
pub(super) struct ToFile(pub(super) Arc<LogFile>);

impl<S: Subscriber> Layer<S> for ToFile {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.append(|at| line::for_file(event, at));
    }
}

/// Prints records to standard error for people.
pub(super) struct ToStderr {
    /// The least severe level that is printed.
    pub(super) least: LevelFilter,
}

impl<S: Subscriber> Layer<S> for ToStderr {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= self.least {
            to_stderr(&line::for_people(event));
        }
    }
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
