//! The systemd journal, with the fields of a record as journal fields (`CACHE_TABLE`, `RUN_ID` and so on).

use std::os::unix::fs::MetadataExt as _;

use tracing_journald::{Layer, Priority, PriorityMappings};

use super::note;

/// The journal, if it is enabled and available.
pub(super) type Sink = Option<Layer>;

/// Connects to the journal. Its absence is reported only when the process runs under systemd.
pub(super) fn sink(wanted: bool, under_systemd: bool) -> Sink {
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
