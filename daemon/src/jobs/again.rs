//! Retrying of jobs that failed or were cancelled.

use std::collections::BTreeMap;

use cached_proto::verb::cancel::Target;
use cached_proto::verb::retry::RetryReply;
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::cancel::find;
use super::{NewRun, Queue, QueueError};
use crate::state::Doing;
use crate::state::entity::{instant, job, known, run};

/// Options of a run: force, accept, exact and as-of instant. Jobs with the same options are retried together.
type Wishes = (bool, bool, bool, Option<i64>);

impl Queue {
    /// Retries a job that did not end well, or all such jobs of a run. A new run is queued, so that the
    /// history of the old one stays as it is. Jobs that wait for their next attempt become due at once.
    pub async fn retry(&self, target: Target) -> Result<RetryReply, QueueError> {
        let tx = self.state.begin().await?;
        let (run, jobs) = find(&tx, target).await?;
        let waiting: Vec<job::Model> = jobs.iter().filter(|job| waits(job)).cloned().collect();
        let again = jobs.into_iter().filter(is_bad).map(|job| (run.clone(), job)).collect();
        let mut reply = RetryReply { runs: Vec::new(), tables: Vec::new() };
        if !waiting.is_empty() && run.phase == Phase::Queued.as_str() {
            for job in waiting {
                let Some(table) = known(&job.table_name) else { continue };
                reply.tables.push(table);
                let mut row = job.into_active_model();
                row.not_before = Set(None);
                row.update(&tx).await.doing("hurry a job")?;
            }
            reply.runs.push(run.id);
            let mut row = run.into_active_model();
            row.not_before = Set(None);
            row.parked = Set(None);
            row.update(&tx).await.doing("hurry a run")?;
        }
        tx.commit().await.doing("hurry a run")?;
        self.announce_work();
        self.ask_again(again, &mut reply).await?;
        if reply.runs.is_empty() { Err(QueueError::NothingToRetry(target)) } else { Ok(reply) }
    }

    /// Retries every table whose newest job did not end well.
    pub async fn retry_failed(&self) -> Result<RetryReply, QueueError> {
        let newest: Vec<i64> = self.last_results().await?.into_iter().map(|job| job.id).collect();
        let tx = self.state.begin().await?;
        let jobs = job::Entity::find().filter(job::Column::Id.is_in(newest));
        let jobs = jobs.all(&tx).await.doing("read the newest jobs")?;
        let mut again = Vec::new();
        for job in jobs.into_iter().filter(is_bad) {
            again.push((run_of(&tx, &job).await?, job));
        }
        drop(tx);
        let mut reply = RetryReply { runs: Vec::new(), tables: Vec::new() };
        self.ask_again(again, &mut reply).await?;
        Ok(reply)
    }

    async fn ask_again(
        &self,
        jobs: Vec<(run::Model, job::Model)>,
        reply: &mut RetryReply,
    ) -> Result<(), QueueError> {
        let mut by_wishes: BTreeMap<Wishes, Vec<Table>> = BTreeMap::new();
        for (run, job) in jobs {
            // What another version has asked for, or another version's table, is left to that version.
            let words = (known(run.trigger), known(job.table_name));
            let (Some::<Trigger>(trigger), Some(table)) = words else { continue };
            // The retry is a manual run, which leaves young entries alone; runs of these triggers were for
            // the whole table.
            let all = matches!(trigger, Trigger::Schedule | Trigger::CatchUp | Trigger::Watch);
            let wishes = (run.force || all, run.accept, run.exact, run.as_of);
            by_wishes.entry(wishes).or_default().push(table);
        }
        for ((force, accept, exact, as_of), mut tables) in by_wishes {
            tables.sort_unstable();
            reply.tables.extend(&tables);
            let as_of = as_of.map(instant);
            let new = NewRun { force, accept, exact, as_of, ..NewRun::new(Trigger::Manual, tables) };
            reply.runs.push(self.enqueue(new).await?.run);
        }
        Ok(())
    }
}

fn waits(job: &job::Model) -> bool {
    job.phase == Phase::Queued.as_str() && job.not_before.is_some()
}

fn is_bad(job: &job::Model) -> bool {
    let outcome = job.outcome.as_ref().and_then(|outcome| outcome.parse::<Outcome>().ok());
    job.phase == Phase::Cancelled.as_str() || outcome.is_some_and(|outcome| !outcome.is_good())
}

async fn run_of(tx: &DatabaseTransaction, job: &job::Model) -> Result<run::Model, QueueError> {
    let run = run::Entity::find_by_id(job.run_id).one(tx).await.doing("read a run")?;
    run.ok_or(QueueError::NoSuchRun(job.run_id))
}
