//! Cancelling of runs and jobs.

use cached_proto::verb::cancel::{CancelReply, Target};
use cached_proto::verb::refresh::Progress;
use cached_proto::words::Phase;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, IntoActiveModel};

use super::counters::{self, count};
use super::settle::{end, jobs};
use super::{Queue, QueueError, assemble, locked};
use crate::state::entity::{job, run};
use crate::state::{Doing, StateError};

impl Queue {
    /// Cancels a job, or all jobs of a run that have not ended, in the name of `by`. Waiting jobs are
    /// cancelled at once; running ones stop at their next group, and what they have written until then stays.
    pub async fn cancel(&self, target: Target, by: &str) -> Result<CancelReply, QueueError> {
        let tx = self.state.begin().await?;
        let (run, wanted) = find(&tx, target).await?;
        let mut events = Vec::new();
        let mut reply = CancelReply { cancelled: Vec::new(), stopping: Vec::new() };
        for job in wanted {
            let id = job.id;
            let mut row = job.clone().into_active_model();
            let called_off = Set(Some(format!("cancelled by {by}")));
            if job.phase == Phase::Queued.as_str() {
                row.phase = Set(Phase::Cancelled.as_str().to_owned());
                row.not_before = Set(None);
                row.error = called_off;
                let row = row.update(&tx).await.doing("cancel a job")?;
                count(&tx, &counters::jobs(None), 1).await?;
                events.extend(shown(assemble::job(&tx, row).await)?.map(Progress::JobDone));
                reply.cancelled.push(id);
            } else if job.phase == Phase::Running.as_str() {
                row.cancel = Set(true);
                row.error = called_off;
                row.update(&tx).await.doing("cancel a job")?;
                reply.stopping.push(id);
            }
        }
        if reply.cancelled.is_empty() && reply.stopping.is_empty() {
            return Err(QueueError::Over(target));
        }
        // A run in progress is ended by its worker.
        let jobs = jobs(&tx, run.id).await?;
        let idle = run.phase == Phase::Queued.as_str();
        if idle && jobs.iter().all(|job| job.phase != Phase::Queued.as_str()) {
            let ended = end(&tx, run, &jobs, self.clock.now()).await;
            events.extend(shown(ended)?.map(Progress::RunDone));
        }
        tx.commit().await.doing("cancel a job")?;
        for job in &reply.stopping {
            if let Some((_, cancel)) = locked(&self.cancels).get(job) {
                cancel.cancel();
            }
        }
        for event in events {
            if let Progress::RunDone(run) = &event {
                // The end of every other run is logged by its worker.
                tracing::error!(run_id = run.id, "Cache refresh failed: cancelled by {by}");
            }
            self.announce(event);
        }
        Ok(reply)
    }
}

/// What of a cancelled run or job is announced: one with words of another version has no followers.
fn shown<T, E: Into<QueueError>>(assembled: Result<T, E>) -> Result<Option<T>, QueueError> {
    match assembled.map_err(Into::into) {
        Ok(shown) => Ok(Some(shown)),
        Err(QueueError::State(StateError::UnknownWord { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The run that `target` refers to, and those of its jobs that it covers.
pub(super) async fn find(
    tx: &DatabaseTransaction,
    target: Target,
) -> Result<(run::Model, Vec<job::Model>), QueueError> {
    let (id, job) = match target {
        Target::Run(id) => (id, None),
        Target::Job(id) => {
            let job = job::Entity::find_by_id(id).one(tx).await.doing("read a job")?;
            let job = job.ok_or(QueueError::NoSuchJob(id))?;
            (job.run_id, Some(job))
        }
    };
    let run = run::Entity::find_by_id(id).one(tx).await.doing("read a run")?;
    let run = run.ok_or(QueueError::NoSuchRun(id))?;
    let jobs = match job {
        Some(job) => vec![job],
        None => jobs(tx, id).await?,
    };
    Ok((run, jobs))
}
