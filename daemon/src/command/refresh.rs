//! `cached refresh`: the work of one run without a daemon, for hosts that have only cron.

use std::sync::Arc;

use cached_proto::report::RunReport;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Trigger};
use tokio::sync::watch;

use super::{Exit, outcome, print, refuse};
use crate::cli::Refresh;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Mode};
use crate::describe::describe;
use crate::queue::{NewRun, Queue, QueueError};
use crate::refresh::{ConfigureError, RefreshConfig, Refresher, plan, work_off};
use crate::state::{State, StateError, StateLock};
use crate::vms::{PATIENCE, Vms, VmsError};

/// Why nothing was refreshed.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    Configure(#[from] ConfigureError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Vms(#[from] VmsError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("nothing generates the tables that were asked for")]
    NothingToDo,
}

/// Refreshes, prints the outcome, and returns the matching exit code.
pub async fn refresh(config: &Config, arguments: &Refresh) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    match run(config, arguments, clock).await {
        Ok(run) => {
            print(&if arguments.json { json(&run) } else { outcome::render(&run, config.schedule.timezone) });
            if RunReport::from(&run).outcome.is_none_or(Outcome::is_good) { Exit::Good } else { Exit::Failed }
        }
        Err(error) => refuse(&describe(&error)),
    }
}

async fn run(config: &Config, arguments: &Refresh, clock: Arc<dyn Clock>) -> Result<Run, NotStarted> {
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
    let refresher = Refresher::new(queue.clone(), clock, configs);
    let run = work_off(&queue, &refresher, wanted).await?;
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
