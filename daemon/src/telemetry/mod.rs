//! Sinks for log records: standard error for people, a rotating file, the journal.
//!
//! Every sink shows a record as one line, whatever its message contains, and none of them can stop the work:
//! a failing sink is reported once, on standard error, and tried again with the next record.

mod file;
mod line;
mod read;
mod rotated;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use tracing::{Dispatch, Event, Subscriber};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layered, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry, reload};

use crate::clock::Clock;
use crate::config::{Config, LogLevel, Origin};
use crate::heartbeat::Heartbeat;
pub use file::{Complaint, ComplaintCause};
use file::{LogFile, Place};
use line::note;
pub use read::Logs;
pub(crate) use read::{FellBehind, Live, Piece, Wanted};

const DAY: Duration = Duration::from_hours(24);

/// All sinks together, below the level filter that they share.
type Sinks = Layered<Vec<Box<dyn Layer<Registry> + Send + Sync>>, Registry>;

/// The kind of process that logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A daemon: standard error is read by people or by the service manager.
    Service,
    /// A command that prints its result to standard output: standard error only gets warnings, unless a level
    /// was set.
    OneShot,
    /// A program that runs the components itself: records go to the log file, and nowhere else.
    Library,
}

/// Why logging cannot be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Another logger is already installed in this process.
    #[error("logging is set up already; set it up once per process")]
    AlreadySet(#[from] tracing::dispatcher::SetGlobalDefaultError),
    /// The level or a sink could not be exchanged.
    #[error("the change of the log settings could not take effect; restart cached")]
    Reload(#[from] reload::Error),
}

/// A handle that changes the log settings while they are in use.
#[derive(Clone)]
pub struct Telemetry {
    level: reload::Handle<Targets, Sinks>,
    journal: reload::Handle<Journal, Registry>,
    file: Arc<LogFile>,
}

/// Sets up logging for the whole process. `journal_stream` is the value of `JOURNAL_STREAM`, the variable by
/// which systemd indicates that standard error is connected to the journal.
pub fn init(
    config: &Config,
    kind: Kind,
    clock: Arc<dyn Clock>,
    journal_stream: Option<&str>,
) -> Result<Telemetry, TelemetryError> {
    let (dispatch, telemetry) = build(config, kind, clock, journal_stream);
    tracing::dispatcher::set_global_default(dispatch)?;
    Ok(telemetry)
}

/// Makes the sinks without setting them up; the caller does, for the whole process or for a thread.
pub fn build(
    config: &Config,
    kind: Kind,
    clock: Arc<dyn Clock>,
    journal_stream: Option<&str>,
) -> (Dispatch, Telemetry) {
    let is_alone = kind == Kind::Library;
    let journal = journal(config.log.journald && !is_alone, journal_stream.is_some());
    // systemd copies standard error to the journal, so records would be there twice.
    let twice = journal.is_some() && journal_stream.is_some_and(is_stderr);
    let (journal, journal_handle) = reload::Layer::new(journal);
    let file = Arc::new(LogFile::new(clock, Place::of(config)));
    // Tidies rotated files left by the previous process.
    file.tidy();
    let mut sinks: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
        vec![Box::new(ToFile(Arc::clone(&file))), Box::new(journal)];
    if !twice && !is_alone {
        let quiet = kind == Kind::OneShot && *config.origin("log", "level") == Origin::Default;
        let least = if quiet { LevelFilter::WARN } else { LevelFilter::TRACE };
        sinks.push(Box::new(ToStderr { least }));
    }
    let (level, level_handle) = reload::Layer::new(targets(config.log.level));
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(sinks).with(level));
    (dispatch, Telemetry { level: level_handle, journal: journal_handle, file })
}

impl Telemetry {
    /// Applies the `[log]` section and the zone of the schedule, and reopens the log file.
    pub fn reload(&self, config: &Config) -> Result<(), TelemetryError> {
        self.file.settle(Place::of(config));
        let connected = self.journal.with_current(Option::is_some)?;
        if connected != config.log.journald {
            self.journal.reload(journal(config.log.journald, false))?;
        }
        self.level.reload(targets(config.log.level))?;
        Ok(())
    }

    /// Reopens the log file, after another program has moved it away.
    pub fn reopen(&self) {
        self.file.reopen();
    }

    /// Tidies once a day, whether or not anything is logged: compresses rotated files and deletes old ones.
    /// Never returns.
    pub(crate) async fn tidy_daily(&self, heartbeat: &Heartbeat) {
        loop {
            heartbeat.nap(DAY).await;
            self.tidy();
        }
    }

    /// Starts compressing rotated files and deleting old ones.
    pub fn tidy(&self) {
        self.file.tidy();
    }

    /// Waits until rotated files are compressed and old ones deleted. Blocks.
    pub fn tidied(&self) {
        self.file.tidied();
    }

    /// A handle for reading the log.
    pub fn logs(&self) -> Logs {
        Logs(Arc::clone(&self.file))
    }
}

/// Why records are missing from the log file of this process, if there are any.
pub fn complaint() -> Option<Complaint> {
    tracing::dispatcher::get_default(|sinks| sinks.downcast_ref::<ToFile>()?.0.complaint())
}

/// Enables this program's own records from `level` on, and those of libraries from warnings on.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_target("cached", level).with_default(level.min(LevelFilter::WARN))
}

/// Appends records to the log file.
struct ToFile(Arc<LogFile>);

impl<S: Subscriber> Layer<S> for ToFile {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.append(|at| line::for_file(event, at));
    }
}

/// Prints records to standard error for people.
struct ToStderr {
    /// The least severe level that is printed.
    least: LevelFilter,
}

impl<S: Subscriber> Layer<S> for ToStderr {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= self.least {
            line::to_stderr(&line::for_people(event));
        }
    }
}

/// The systemd journal, if it is enabled and available; it gets the fields of a record as fields of its own
/// (`CACHE_TABLE`, `RUN_ID` and so on).
type Journal = Option<tracing_journald::Layer>;

/// Connects to the journal. Its absence is reported only when the process runs under systemd.
fn journal(wanted: bool, under_systemd: bool) -> Journal {
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
fn is_stderr(journal_stream: &str) -> bool {
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
