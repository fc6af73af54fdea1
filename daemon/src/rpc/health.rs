//! `health`: collects what is judged; the judgement itself is elsewhere.

use cached_proto::verb::health::HealthReply;
use cached_proto::verb::jobs::JobFilter;
use chrono::TimeDelta;

use super::Service;
use crate::describe::describe;
use crate::health::{Seen, StateSeen, Surroundings, judge, state_unusable};
use crate::maintenance::room;
use crate::queue::QueueError;
use crate::refresh::RefreshError;
use crate::refresh::survey::TableSurvey;
use crate::vms::Vms;
use crate::watch::wipes::second_refreshers;

/// More jobs than this do not make a queue any more stuck.
const WAITING: u64 = 100;

/// Judges; a state database that fails is a judgement, too.
pub(crate) async fn health(service: &Service) -> HealthReply {
    match look(service).await {
        Ok(seen) => judge(&seen),
        Err(error) => {
            let state = service.queue.state();
            state_unusable(state.path(), state.lost(), &describe(&error))
        }
    }
}

async fn look(service: &Service) -> Result<Seen, QueueError> {
    let queue = &service.queue;
    let target = service.config.borrow().targets.refresh_seconds;
    let database = service.refresh.borrow().database.clone();
    let log = service.config.borrow().log.dir.clone();
    let zone = service.config.borrow().schedule.timezone;
    let today = service.clock.now().with_timezone(&zone).date_naive();
    let state = queue.state().clone();
    // A network file system may take its time to answer.
    let around = tokio::task::spawn_blocking({
        let vms = database.clone();
        move || (Surroundings::look(&vms, state.path(), log.as_deref()), state.lost())
    });
    let scheduler = queue.state().scheduler_state().await?;
    let (tables, vms_page) = tokio::join!(service.survey(), service.vms_page());
    let tables = match tables {
        // VMS's database is not to blame.
        Err(RefreshError::State(error) | RefreshError::Queue(QueueError::State(error))) => {
            return Err(error.into());
        }
        tables => tables.map_err(|error| describe(&error)),
    };
    let (around, lost) = around.await.unwrap_or_default();
    let path = queue.state().path().to_owned();
    Ok(Seen {
        scheduler,
        estimate: estimate(service, tables.as_deref().unwrap_or_default()).await,
        tables,
        state: StateSeen { path, lost, unwritable: service.unwritable().await },
        vms_page,
        database,
        last: queue.last_run().await?,
        current: queue.current_run().await?,
        waiting: queue.jobs(JobFilter::Running, WAITING).await?,
        jobs: queue.last_jobs().await?,
        target: TimeDelta::seconds(target.into()),
        refreshers: second_refreshers(queue.state(), today).await?,
        around,
        // After the look at the database, which may have taken its time.
        now: service.clock.now(),
    })
}

/// What a first refresh is expected to make; where there are reports already, their size says more.
async fn estimate(service: &Service, tables: &[TableSurvey]) -> u64 {
    if tables.iter().any(|survey| survey.audit.bytes > 0) {
        return 0;
    }
    let database = service.refresh.borrow().database.clone();
    // A database that cannot be read has a reason of its own.
    let Ok(vms) = Vms::open(&database).await else { return 0 };
    let estimate = room::estimate(vms.reader()).await;
    vms.close().await;
    estimate.unwrap_or_default()
}
