//! The log file, standard error and the systemd journal as `tracing` layers; the journal has the fields of a record as
//! fields of its own (`CACHE_TABLE`, `RUN_ID` and so on).

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use tracing::{Event, Subscriber};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;

use super::file::LogFile;
use super::line::{self, note};

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
            line::to_stderr(&line::for_people(event));
        }
    }
}

/// The journal, if it is enabled and available.
pub(super) type Journal = Option<tracing_journald::Layer>;

/// Connects to the journal. Its absence is reported only when the process runs under systemd.
pub(super) fn journal(wanted: bool, under_systemd: bool) -> Journal {
    if !wanted {
        return None;
    }
    match tracing_journald::layer() {
        Ok(layer) => Some(layer.with_field_prefix(None).with_priority_mappings(priorities())),
        Err(error) => {
            if under_systemd {
                note(&format!("the journal cannot be reached ({error}); logging without its fields"));
            }
            None
        }
    }
}

/// Whether `JOURNAL_STREAM`, device and inode as `8:1234`, refers to this process's standard error and not
/// merely to a parent's.
pub(super) fn is_stderr(journal_stream: &str) -> bool {
    std::fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| journal_stream == format!("{}:{}", stderr.dev(), stderr.ino()))
}

/// Overrides the library's defaults, which map info records to `Notice` and debug records to `Informational`.
fn priorities() -> PriorityMappings {
    PriorityMappings {
        error: Priority::Error,
        warn: Priority::Warning,
        info: Priority::Informational,
        debug: Priority::Debug,
        trace: Priority::Debug,
    }
}
