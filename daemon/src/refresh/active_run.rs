//! A claimed run that is processed table by table.

use std::collections::VecDeque;
use std::time::Duration;

use cached_proto::words::{Outcome, Table, Trigger};
use tracing::info;

use super::availability::is_off;
use super::run::{Rest, RunContext, RunInputs, Worked, ending, failed, log_outcome};
use super::{RefreshError, Refresher};
use crate::jobs::{Claimed, Ending, JobReport, Lease, NewRun, QueueError, Settled};

/// A run in progress: its source is read, and its tables follow one by one. A caller that works in steps has
/// to renew the lease itself.
pub struct ActiveRun {
    refresher: Refresher,
    claimed: Claimed,
    jobs: VecDeque<(i64, Table)>,
    /// `None` when nothing is left to do.
    inputs: Option<(RunContext, Result<RunInputs, RefreshError>)>,
    /// Tables of which a later run has to take something up, and how soon.
    later: Vec<(Table, Duration)>,
}

impl Refresher {
    /// Takes the snapshot that all tables of a claimed run are computed from.
    pub async fn begin(&self, claimed: &Claimed) -> ActiveRun {
        info!(run_id = claimed.run, "Cache refresh {} started ({})", claimed.run, claimed.trigger);
        let jobs: VecDeque<_> = claimed.jobs.iter().copied().collect();
        // After an interruption there may be nothing left to do.
        let inputs = if jobs.is_empty() {
            None
        } else {
            let context = self.context(claimed);
            let tables: Vec<Table> = jobs.iter().map(|&(_, table)| table).collect();
            let inputs = self.open(&context, &tables).await;
            Some((context, inputs))
        };
        ActiveRun { refresher: self.clone(), claimed: claimed.clone(), jobs, inputs, later: Vec::new() }
    }
}

impl ActiveRun {
    /// Works on the next table, until the job ends or has to wait for its next attempt. Returns false when no
    /// table was left.
    pub async fn step(&mut self) -> Result<bool, QueueError> {
        let (Some((job, table)), Some((context, inputs))) = (self.jobs.pop_front(), &self.inputs) else {
            return Ok(false);
        };
        let (refresher, lease) = (&self.refresher, &self.claimed.lease);
        let taken = inputs.as_ref().ok().map(RunInputs::taken);
        let Some(begun) = refresher.queue.start_attempt(lease, job, taken).await? else { return Ok(true) };
        let (report, ending) = match inputs {
            Ok(inputs) => {
                let worked = refresher.work(context, inputs, &begun, table).await;
                let worked = worked.unwrap_or_else(|error| Worked {
                    report: failed(table, &error),
                    error: Some(error),
                    rest: Rest::default(),
                });
                let (report, ending, later) = worked.end(context, begun.number);
                self.later.extend(later.map(|pause| (table, pause)));
                (report, ending)
            }
            Err(_) if is_off(table, &context.settings) => (JobReport::new(table, Outcome::Off), Ending::Done),
            Err(error) => (failed(table, error), ending(context, Some(error), begun.number)),
        };
        refresher.finish(lease, job, &report, ending).await?;
        Ok(true)
    }

    /// Gives the run back: ended, or waiting for further attempts.
    pub async fn settle(self) -> Result<Settled, QueueError> {
        if let Some((_, Ok(inputs))) = self.inputs {
            inputs.close().await;
        }
        let queue = &self.refresher.queue;
        let pause = self.later.iter().map(|(_, pause)| *pause).max();
        // A run of another time says nothing about what is due now.
        if let Some(pause) = pause.filter(|_| self.claimed.as_of.is_none()) {
            let tables = self.later.iter().map(|(table, _)| *table).collect();
            let not_before = Some(queue.now() + pause);
            let later =
                queue.enqueue(NewRun { not_before, ..NewRun::new(Trigger::Watch, tables) }).await?.run;
            info!(run_id = self.claimed.run, "What was put off is taken up by run {later}");
        }
        let settled = queue.settle(&self.claimed.lease).await?;
        match &settled {
            Settled::Ended(run) => log_outcome(run),
            Settled::Waits(until) => {
                info!(
                    run_id = self.claimed.run,
                    "Cache refresh {} waits until {until} at least", self.claimed.run
                );
            }
        }
        Ok(settled)
    }

    /// The lease of the run.
    pub const fn lease(&self) -> &Lease {
        &self.claimed.lease
    }
}

impl std::fmt::Debug for ActiveRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActiveRun").field("run", &self.claimed.run).finish_non_exhaustive()
    }
}
