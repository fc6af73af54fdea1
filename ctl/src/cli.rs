//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use cached_proto::verb::cancel::Target;
use cached_proto::verb::get::KeyPart;
use cached_proto::words::{CacheType, Table};
use chrono::NaiveDate;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::cmd::get::parse_key;
use crate::word::Word;

/// Steers the cached daemon over its control socket.
#[derive(Debug, Parser)]
#[command(name = "cachectl", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 good, 1 failed or unhealthy, 2 usage, 3 daemon unreachable, \
                        4 not allowed, 5 timed out, 6 protocol mismatch.")]
pub struct Cli {
    /// Control socket of the daemon [default: /run/cached/cached.sock, or that of your own daemon]
    #[arg(long, global = true, value_name = "PATH", env = "CACHED_SOCKET", hide_env_values = true)]
    #[arg(display_order = 900, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub socket: Option<PathBuf>,
    /// Print JSON: times as RFC 3339 in UTC, seconds as numbers
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// One variant per verb.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Ask whether the daemon is there
    Ping(Json),
    /// Show what is cached, how old it is and what comes next
    Status(StatusArgs),
    /// Show the daemon's judgement of itself, and what to do about it
    Health(HealthArgs),
    /// Refresh some tables, or all, and wait for the result
    ///
    /// Without TYPE and --table everything is refreshed. Entries that are young enough are skipped
    /// unless --force is given. Interrupting the wait does not stop the run.
    Refresh(RefreshArgs),
    /// Refresh every table and wait for the result
    RefreshAll(RefreshAllArgs),
    /// Let automatic refreshes happen; survives restarts
    StartScheduler(Json),
    /// Pause automatic refreshes; a run in progress finishes, manual work goes on
    StopScheduler(Json),
    /// Show when the schedule fires next
    Next(NextArgs),
    /// Show every decision that the scheduler would take on given days
    ///
    /// The same rules that decide in earnest decide here, under a clock that jumps: scheduled runs with their
    /// slots and clock changes, and what cannot wait for them. Assumes that the daemon is there all the time,
    /// that every run succeeds, and that nothing changes but the clock.
    Rehearse(RehearseArgs),
    /// List jobs (one table of one run each), newest first
    Jobs(JobsArgs),
    /// Show one job with all its attempts
    Job(JobArgs),
    /// Call off a job or a run: what waits never runs, what runs stops soon
    ///
    /// A running job stops at its next group; what it wrote until then stays.
    Cancel(CancelArgs),
    /// Try again what failed or was cancelled
    ///
    /// A new run is asked for; the history of the old one stays. A job that waits for its next
    /// attempt has it now.
    Retry(RetryArgs),
    /// List past runs, newest first
    History(HistoryArgs),
    /// Send a test notice through every channel of section notify, and say what came of each
    Notify(NotifyArgs),
    /// Show how well refreshing has worked, against the targets of the configuration
    Report(ReportArgs),
    /// Show one entry as it is stored: fresh, stale with its age, or missing
    ///
    /// Key columns that are left out may have any value, as long as that leaves one entry; COLUMN=
    /// stands for an empty column. An entry that is missing and should be there is queued. Entries hold
    /// personal data, so this needs the same rights as a change.
    Get(GetArgs),
    /// Make entries count as stale whatever their age, and refresh them; until then they are shown
    Invalidate(InvalidateArgs),
    /// Look after the database files; one task at a time, and none while a refresh runs
    ///
    /// Progress is shown on standard error. Interrupting the wait does not stop the task; stopping the daemon does.
    Maintenance(MaintenanceArgs),
    /// Show the daemon's log file, rotated and compressed files included
    ///
    /// Without --run, --since and -n the newest 100 lines are shown. The lines come through the daemon, so no
    /// rights on its files are needed; they may name people, so this needs the same rights as a change.
    Logs(LogsArgs),
    /// Have the daemon read its configuration again, and say what changed, what waits for a restart, or
    /// what is wrong
    ///
    /// The same as a SIGHUP or `systemctl reload cached`, with an answer. A configuration with an error
    /// changes nothing.
    Reload(Json),
    /// Print the completion script for a shell
    Completions(CompletionsArgs),
}

/// The flag that every listing takes.
#[derive(Debug, Clone, Copy, Args)]
pub struct Json {
    /// Print JSON: times as RFC 3339 in UTC, seconds as numbers
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Also measure the bytes of each table, which reads every row
    #[arg(long)]
    pub sizes: bool,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Exit with 1 when degraded, too
    #[arg(long)]
    pub strict: bool,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// How to follow the run that was asked for.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// Print the number of the run and do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// Wait no longer than this, for example 90s or 5min; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = parse_wait)]
    pub timeout: Option<Duration>,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `refresh`.
#[derive(Debug, Args)]
pub struct RefreshArgs {
    /// Cache types to refresh
    #[arg(value_name = "TYPE", value_parser = Word::TYPE)]
    pub types: Vec<CacheType>,
    /// A cache type to refresh; the same as naming it without the flag
    #[arg(long = "type", value_name = "TYPE", value_parser = Word::TYPE, hide_possible_values = true)]
    pub more_types: Vec<CacheType>,
    /// A single table to refresh; may be repeated
    #[arg(long = "table", value_name = "TABLE", value_parser = Word::TABLE)]
    pub tables: Vec<Table>,
    /// Also refresh entries that are young enough
    #[arg(long)]
    pub force: bool,
    /// Accept a source that lost suspiciously many rows
    #[arg(long)]
    pub accept: bool,
    /// What to do with the run.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// Arguments of `refresh-all`.
#[derive(Debug, Args)]
pub struct RefreshAllArgs {
    /// Also refresh entries that are young enough
    #[arg(long)]
    pub force: bool,
    /// What to do with the run.
    #[command(flatten)]
    pub follow: FollowArgs,
}

/// Arguments of `next`.
#[derive(Debug, Args)]
pub struct NextArgs {
    /// How many fires to show
    #[arg(short = 'n', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Say where each fire comes from: the schedule, its slot, and the clock change if there is one
    #[arg(long)]
    pub explain: bool,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// The first day, in the zone of the schedule, for example 2026-03-07; it may lie in the past
    #[arg(long, value_name = "DATE")]
    pub from: NaiveDate,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub days: u32,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `jobs`.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Only jobs that ended badly
    #[arg(long, conflicts_with = "running")]
    pub failed: bool,
    /// Only jobs that are queued or running
    #[arg(long)]
    pub running: bool,
    /// Show at most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// Number of the job
    #[arg(value_name = "ID")]
    pub job: i64,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// Number of a job, or run:NUMBER for all jobs of a run
    #[arg(value_name = "ID")]
    pub target: Target,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false, args = ["target", "failed"])]
pub struct RetryArgs {
    /// Number of a job, or run:NUMBER for those jobs of a run that did not end well
    #[arg(value_name = "ID")]
    pub target: Option<Target>,
    /// Every table whose newest job did not end well
    #[arg(long)]
    pub failed: bool,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// How far to look back, for example 36h or 30d
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = humantime::parse_duration)]
    pub since: Duration,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `notify`.
#[derive(Debug, Args)]
pub struct NotifyArgs {
    /// Send a test; a dead man's switch takes it for a successful run
    #[arg(long, required = true)]
    pub test: bool,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// How far to look back, for example 36h or 30d
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = humantime::parse_duration)]
    pub since: Duration,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The table
    #[arg(value_name = "TABLE", value_parser = Word::TABLE)]
    pub table: Table,
    /// What is known of the key, for example `school_year=2526`
    #[arg(value_name = "COLUMN=VALUE", value_parser = parse_key)]
    pub key: Vec<KeyPart>,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `invalidate`.
#[derive(Debug, Args)]
pub struct InvalidateArgs {
    /// Cache types
    #[arg(value_name = "TYPE", required = true, value_parser = Word::TYPE)]
    pub types: Vec<CacheType>,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `maintenance`.
#[derive(Debug, Args)]
pub struct MaintenanceArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: MaintenanceTask,
    /// Print JSON: times as RFC 3339 in UTC, seconds as numbers
    #[arg(long, global = true)]
    pub json: bool,
}

/// One variant per task.
#[derive(Debug, Subcommand)]
pub enum MaintenanceTask {
    /// Collect the statistics by which SQLite plans its reads of the cache tables
    Analyze,
    /// Build the indexes of the cache tables anew, one at a time
    ///
    /// VMS's writers wait while an index is built, so an index that would take too long is refused.
    Reindex,
    /// Give free pages of VMS's database back; VMS must be stopped
    ///
    /// Needs room for two more copies of the file. A copy is made first and kept until the next vacuum.
    Vacuum,
    /// Look for damage in VMS's database and in the daemon's own; exits with 1 if there is any
    Integrity,
    /// Copy VMS's database as it is now, without keeping VMS from its work
    ///
    /// The daemon makes and verifies the copy, and sends it; this program writes it, as the user that runs it. It
    /// holds personal data and credentials, so this needs root, the daemon's own user, or membership in the group
    /// of `socket.backup_group`. With -, what is said of it goes to standard error.
    Backup {
        /// Where to: a file that does not exist, or - for standard output
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove cache entries that nobody reads any more and that no refresh makes
    Prune {
        /// Only entries that are older than this, for example 30d [default: the configured age]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        older_than: Option<Duration>,
        /// Say what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Go on with lines as they are written, until interrupted
    #[arg(short, long)]
    pub follow: bool,
    /// Only lines of this run
    #[arg(long, value_name = "ID")]
    pub run: Option<i64>,
    /// Of the lines that are there, only the newest so many
    #[arg(short = 'n', long, value_name = "LINES", value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub lines: Option<u64>,
    /// Only lines that were written within this time, for example 36h or 7d
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub since: Option<Duration>,
    /// The format.
    #[command(flatten)]
    pub format: Json,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// A duration; a bare number is one of seconds, as with `timeout` and `curl --max-time`.
fn parse_wait(text: &str) -> Result<Duration, humantime::DurationError> {
    text.parse().map(Duration::from_secs).or_else(|_| humantime::parse_duration(text))
}
