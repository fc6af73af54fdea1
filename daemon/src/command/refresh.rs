//! `cached refresh`: the work of one run without a daemon, for hosts that have only cron.

use std::sync::Arc;

use cached_proto::report::RunReport;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Trigger};
use chrono::TimeDelta;
use tokio::sync::watch;
use tracing::warn;

use super::{Exit, outcome, print, refuse};
use crate::cli::Refresh;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Mode};
use crate::describe::describe;
use crate::jobs::{NewRun, Queue, QueueError};
use crate::refresh::{ConfigureError, RefreshConfig, Refresher, plan, work_off};
use crate::state::{State, StateError, StateLock};
use crate::vms::{PATIENCE, Vms, VmsError};

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
    #[error("nothing generates the tables that were asked for")]
    NothingToDo,
}

/// Refreshes, prints the outcome, and returns the matching exit code.
pub async fn refresh(config: &Config, arguments: &Refresh) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    match once(config, arguments, clock).await {
        Ok(run) => {
            print(&if arguments.json { json(&run) } else { outcome::render(&run, config.schedule.timezone) });
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
    let tables = plan::tables(&[&arguments.types[..], &arguments.more_types].concat(), &arguments.tables);
    if tables.is_empty() {
        return Err(NotStarted::NothingToDo);
    }
    let state_path = config.state.url.as_path();
    let _lock = StateLock::take(state_path)?;
    probe(config).await?;
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
    let run = work_off(&queue, &refresher, wanted).await?;
    // Without a daemon nothing else bounds the history.
    let kept = TimeDelta::days(config.state.history_days.into());
    if let Err(error) = queue.prune(clock.now(), kept).await {
        warn!("The history is not pruned; trying again with the next refresh: {}", describe(&error));
    }
    state.close().await?;
    Ok(run)
}

/// Checks that VMS's database can be used: without it, nothing can start.
async fn probe(config: &Config) -> Result<(), VmsError> {
    let (vms, _) = Vms::open_checked(config.database.url.as_path(), PATIENCE).await?;
    vms.close().await;
    Ok(())
}

fn json(run: &Run) -> String {
    // The report consists of plain words and numbers; it cannot fail to serialize.
    serde_json::to_string(&RunReport::from(run)).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use cached_proto::words::Table;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config::{Overrides, Surroundings, SystemZone};

    #[tokio::test]
    async fn runs_older_than_history_days_are_removed_by_the_next_one_shot() {
        let dir = tempfile::tempdir().unwrap();
        let packed = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/tiny1/vms.db.gz");
        let mut vms = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(packed).unwrap()).read_to_end(&mut vms).unwrap();
        std::fs::write(dir.path().join("vms.db"), vms).unwrap();
        let mut overrides = Overrides::default();
        let state = dir.path().join("state.db");
        overrides.set("--database", "database", "url", dir.path().join("vms.db").to_string_lossy());
        overrides.set("--state", "state", "url", state.to_string_lossy());
        let around = Surroundings {
            env: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
            cwd: "/".into(),
            uid: 1000,
            system_zone: SystemZone::linked("America/Chicago"),
            now: chrono::DateTime::UNIX_EPOCH,
            default_file: dir.path().join("cached.toml"),
        };
        let config = Config::load(&overrides, &around).unwrap();
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
