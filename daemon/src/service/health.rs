//! `health`: collects the data to be judged; `crate::health` judges it.

use std::sync::Arc;

use cached_proto::verb::health::{HealthReply, VmsPage};
use cached_proto::verb::jobs::JobFilter;
use cached_proto::words::MaintenanceTask;
use chrono::TimeDelta;

use super::{Service, Surveyed};
use crate::describe::describe;
use crate::health::{
    Audience, Health, MissingBackup, Observation, Resources, StateCondition, judge, state_unusable,
};
use crate::jobs::QueueError;
use crate::maintenance::{Backups, disk_space};
use crate::refresh::RefreshError;
use crate::refresh::survey::TableSurvey;
use crate::schedule::{Schedule, slot_text};
use crate::state::{FailedTask, StateError};
use crate::watch::wipes::second_refreshers;

/// Most waiting jobs that are read: more of them do not make a queue any more stuck.
const WAITING: u32 = 100;

/// Why the daemon's own database cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    State(#[from] StateError),
    /// The shared survey of VMS's tables failed with it.
    #[error(transparent)]
    Survey(Arc<RefreshError>),
}

/// Judges the health, in the words for operators; a failing state database is a judgement, too.
pub(crate) async fn health(service: &Service) -> HealthReply {
    // Concurrently, because VMS and its database may both be slow to respond.
    let (surveyed, vms_page) = tokio::join!(service.survey(), service.vms_page());
    judged(service, &surveyed, vms_page, Audience::Operator).await.into()
}

/// Judges the health from the tables as `surveyed`.
pub(crate) async fn health_of(service: &Service, surveyed: &Surveyed, audience: Audience) -> Health {
    judged(service, surveyed, service.vms_page().await, audience).await
}

async fn judged(
    service: &Service,
    surveyed: &Surveyed,
    vms_page: Option<VmsPage>,
    audience: Audience,
) -> Health {
    match observe(service, surveyed, vms_page).await {
        Ok(seen) => judge(&seen, audience),
        Err(error) => {
            let state = service.queue.state();
            state_unusable(state.path(), state.lost().await, &describe(&error))
        }
    }
}

async fn observe(
    service: &Service,
    surveyed: &Surveyed,
    vms_page: Option<VmsPage>,
) -> Result<Observation, Unusable> {
    let queue = &service.queue;
    let target = service.config.borrow().targets.refresh_seconds;
    let database = service.refresh.borrow().vms.path().to_owned();
    let log = service.config.borrow().log.dir.clone();
    let zone = service.config.borrow().schedule.timezone;
    let zone_warning = service.config.borrow().zone_warning();
    let state = queue.state().clone();
    // A network file system may be slow to respond.
    let resources = tokio::task::spawn_blocking({
        let vms = database.clone();
        let state = state.path().to_owned();
        move || Resources::measure(&vms, &state, log.as_deref())
    });
    let scheduler = queue.state().scheduler_state().await?;
    let tables = match surveyed {
        Ok(tables) => Ok(tables.to_vec()),
        Err(error) => match error.as_ref() {
            // The fault is not in VMS's database.
            RefreshError::State(_) | RefreshError::Queue(QueueError::State(_)) => {
                return Err(Unusable::Survey(Arc::clone(error)));
            }
            error => Err(error.into()),
        },
    };
    let (resources, lost) = tokio::join!(resources, state.lost());
    let path = queue.state().path().to_owned();
    Ok(Observation {
        scheduler,
        estimate: estimate(service, tables.as_deref().unwrap_or_default()).await,
        tables,
        state: StateCondition { path, lost, unwritable: service.unwritable() },
        zone_warning,
        vms_page,
        database,
        last: queue.last_run().await?,
        // Read before the run in progress: a run claimed in between then shows up as that.
        claimable_since: queue.claimable_since().await?,
        maintains: service.maintenance.is_working(),
        current: queue.current_run().await?,
        waiting: queue.jobs(JobFilter::Running, WAITING).await?,
        results: queue.last_results().await?,
        target: TimeDelta::seconds(target.into()),
        failed_tasks: failed_tasks(service).await?,
        missing_backup: missing_backup(service).await?,
        refreshers: second_refreshers(queue.state(), service.clock.now(), zone).await?,
        resources: resources.unwrap_or_default(),
        faults: service.faults.now(),
        // Taken after the survey of the database, which may have been slow.
        now: service.clock.now(),
    })
}

/// Scheduled maintenance that failed and is still scheduled.
async fn failed_tasks(service: &Service) -> Result<Vec<FailedTask>, StateError> {
    let failed = service.queue.state().failed_tasks().await?;
    let config = service.config.borrow();
    let is_scheduled = |task| match task {
        MaintenanceTask::Analyze => config.maintenance.analyze.is_some(),
        MaintenanceTask::Prune => config.maintenance.prune.is_some(),
        MaintenanceTask::Backup => config.maintenance.backup.is_some(),
        MaintenanceTask::Reindex | MaintenanceTask::Vacuum | MaintenanceTask::Integrity => false,
    };
    Ok(failed.into_iter().filter(|failed| is_scheduled(failed.task)).collect())
}

/// The slot since which a scheduled backup is missing: the last but one, since the last may still be in progress. A
/// schedule that did not exist then lacks nothing.
async fn missing_backup(service: &Service) -> Result<Option<MissingBackup>, QueueError> {
    let config = Arc::clone(&service.config.borrow());
    let Some(cron) = &config.maintenance.backup else { return Ok(None) };
    let Some(backups) = Backups::configured(&config.maintenance) else { return Ok(None) };
    let schedule = Schedule::cron(cron, config.schedule.timezone);
    let last = schedule.due(service.clock.now());
    let Some((before, last)) = last.and_then(|last| Some((schedule.fire_before(&last)?, last))) else {
        return Ok(None);
    };
    let [before, last] = [before, last].map(|fire| slot_text(fire.slot));
    if service.queue.slot(MaintenanceTask::Backup.as_str(), &before).await?.is_none() {
        return Ok(None);
    }
    let (directory, since) = (backups.directory.clone(), before.clone());
    // A network file system may be slow to respond.
    let there = tokio::task::spawn_blocking(move || backups.has_between(&before, &last)).await;
    Ok((!there.unwrap_or_default()).then_some(MissingBackup { since, directory }))
}

/// Estimated size of what a first refresh generates; 0 once there are reports, whose actual size says more.
async fn estimate(service: &Service, tables: &[TableSurvey]) -> u64 {
    if tables.iter().any(|survey| survey.audit.bytes > 0) {
        return 0;
    }
    let vms = service.refresh.borrow().vms.clone();
    // An unreadable database is reported as a reason of its own.
    vms.using(async |vms| disk_space::estimate(vms).await).await.unwrap_or_default()
}
