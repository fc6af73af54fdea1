//! `cached refresh`: the work of one run without a daemon, for hosts that have only cron.

use std::fmt::Write as _;
use std::sync::Arc;

use cached_present::count;
use cached_present::report::RunReport;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{Outcome, Trigger};
use chrono::TimeDelta;
use chrono_tz::Tz;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use tokio::sync::watch;
use tracing::warn;

use super::{Exit, print, refuse};
use crate::cli::Refresh;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Mode};
use crate::describe::describe;
use crate::jobs::{NewRun, Queue, QueueError};
use crate::refresh::{ConfigureError, RefreshConfig, Refresher, run_until_ended};
use crate::reports;
use crate::state::{State, StateError, StateLock};
use crate::vms::{Gateway, VmsError};

/// Why nothing was refreshed.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The settings of the reports are unusable.
    #[error(transparent)]
    Configure(#[from] ConfigureError),
    /// The state database cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// VMS's database cannot be used.
    #[error(transparent)]
    Vms(#[from] VmsError),
    /// The run could not be queued or executed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// No table was left to refresh.
    #[error("no report generates the requested tables")]
    NothingToDo,
}

/// Refreshes, prints the outcome, and returns the matching exit code.
pub async fn refresh(config: &Config, arguments: &Refresh) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    match once(config, arguments, clock).await {
        Ok(run) => {
            print(&if arguments.json { json(&run) } else { render(&run, config.schedule.timezone) });
            exit(&run)
        }
        Err(error) => refuse(&describe(&error)),
    }
}

/// Returns the exit code for a run.
pub fn exit(run: &Run) -> Exit {
    if RunReport::from(run).outcome.is_none_or(Outcome::is_good) { Exit::Good } else { Exit::Failed }
}

/// Refreshes and returns the run, which has ended.
pub async fn once(config: &Config, arguments: &Refresh, clock: Arc<dyn Clock>) -> Result<Run, NotStarted> {
    let refresh_config = RefreshConfig::of(config)?;
    let (types, tables) = arguments.chosen();
    let tables = reports::tables(&types, &tables);
    if tables.is_empty() {
        return Err(NotStarted::NothingToDo);
    }
    let state_path = config.state.url.as_path();
    let _lock = StateLock::take(state_path)?;
    probe(&refresh_config.vms).await?;
    let state = State::open(state_path, clock.now()).await?;
    let queue = Queue::new(state.clone(), Arc::clone(&clock));
    queue.recover().await?;
    let new = NewRun {
        force: arguments.force,
        accept: arguments.accept,
        exact: config.compat.mode == Mode::Exact,
        as_of: arguments.as_of,
        ..NewRun::new(Trigger::Manual, tables)
    };
    let wanted = queue.enqueue(new).await?.run;
    let (_keep, configs) = watch::channel(Arc::new(refresh_config));
    let refresher = Refresher::new(queue.clone(), Arc::clone(&clock), configs);
    let run = run_until_ended(&queue, &refresher, wanted).await?;
    // Without a daemon nothing else bounds the history.
    let kept = TimeDelta::days(config.state.history_days.into());
    if let Err(error) = queue.prune(clock.now(), kept).await {
        warn!("The history is not pruned; trying again with the next refresh: {}", describe(&error));
    }
    state.close().await?;
    Ok(run)
}

/// Checks that VMS's database can be used: without it, nothing can start.
async fn probe(vms: &Gateway) -> Result<(), VmsError> {
    vms.using(async |vms| vms.schema().await.map(drop)).await
}

fn json(run: &Run) -> String {
    // The report consists of plain words and numbers; it cannot fail to serialize.
    serde_json::to_string(&RunReport::from(run)).map(|text| text + "\n").unwrap_or_default()
}

/// Renders the tables of a run, aligned, with the errors below them.
pub(super) fn render(run: &Run, zone: Tz) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.force_no_tty();
    table.set_header([
        "TABLE", "OUTCOME", "ENTRIES", "REBUILT", "VERIFIED", "SKIPPED", "PRUNED", "KB", "SECONDS",
    ]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for job in &run.jobs {
        table.add_row(row(job));
    }
    let mut text = table.trim_fmt() + "\n";
    for job in &run.jobs {
        if let Some(error) = &job.error {
            // Writing to a String cannot fail.
            // Without a daemon, the client's command would not work.
            let error = error.replace("`cachectl refresh --accept`", "`cached refresh --accept`");
            let _ = writeln!(text, "{}: {}", job.table, one_line(&error));
        }
        if job.figures.warnings > 0 {
            let _ = writeln!(
                text,
                "{}: {} skipped or read with default values, named in the log",
                job.table,
                count(job.figures.warnings, "source row")
            );
        }
    }
    let outcome = run.outcome.map_or("nothing to do", Outcome::as_str);
    let started = run.started.map_or_else(String::new, |at| {
        format!(", started {}", at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z"))
    });
    let _ = writeln!(text, "Run {}: {outcome} in {:.2} seconds{started}", run.id, run.seconds);
    text
}

fn row(job: &Job) -> [String; 9] {
    let JobFigures { entries, rebuilt, verified, skipped, pruned, bytes, seconds, .. } = job.figures;
    [
        job.table.to_string(),
        job.outcome.map_or_else(String::new, |outcome| outcome.to_string()),
        entries.to_string(),
        rebuilt.to_string(),
        verified.to_string(),
        skipped.to_string(),
        pruned.to_string(),
        bytes.div_ceil(1024).to_string(),
        format!("{seconds:.2}"),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cached_proto::words::Table;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config::{Instance, Overrides, ProcessEnvironment, SystemZone};
    use crate::directory::unpacked;

    #[tokio::test]
    async fn runs_older_than_history_days_are_removed_by_the_next_one_shot() {
        let dir = unpacked("tiny1");
        let mut overrides = Overrides::default();
        let state = dir.path().join("state.db");
        overrides.set("--database", "database", "url", dir.path().join("vms.db").to_string_lossy());
        overrides.set("--state", "state", "url", state.to_string_lossy());
        let environment = ProcessEnvironment {
            env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
            cwd: "/".into(),
            uid: 1000,
            instance: Instance::default(),
            system_zone: SystemZone::linked("America/Chicago"),
            now: chrono::DateTime::UNIX_EPOCH,
            default_file: dir.path().join("cached.toml"),
        };
        let config = Config::load(&overrides, &environment).unwrap();
        let clock = Arc::new(ManualClock::new("2026-03-10T17:00:00Z".parse().unwrap()));
        let arguments = Refresh { tables: vec![Table::DiaEventsReportCache], ..Refresh::default() };
        for _ in 0..3 {
            once(&config, &arguments, clock.clone()).await.unwrap();
            clock.advance(Duration::from_hours(24 * 50));
        }
        let queue = Queue::new(State::open(&state, clock.now()).await.unwrap(), clock);
        let kept = queue.history(chrono::DateTime::UNIX_EPOCH, 10).await.unwrap();
        assert_eq!(kept.iter().map(|run| run.id).collect::<Vec<_>>(), [3, 2], "the default is 90 days");
    }
}
