//! A claimed run that is worked on table by table.

use std::collections::VecDeque;

use cached_proto::words::Table;
use tracing::info;

use super::run::{Opened, Terms, ending, failed, tell};
use super::{RefreshError, Refresher};
use crate::queue::{Claimed, Lease, QueueError, Settled};

/// A run in progress: its source is read, and its tables follow one by one. Whoever works in steps renews the lease
/// by themselves.
pub struct Working {
    refresher: Refresher,
    claimed: Claimed,
    jobs: VecDeque<(i64, Table)>,
    /// None when nothing is left to do.
    opened: Option<(Terms, Result<Opened, RefreshError>)>,
}

impl Refresher {
    /// Takes the snapshot that all tables of a claimed run are computed from.
    pub async fn begin(&self, claimed: &Claimed) -> Working {
        info!(run_id = claimed.run, "Cache refresh {} started ({})", claimed.run, claimed.trigger);
        let jobs: VecDeque<_> = claimed.jobs.iter().copied().collect();
        // After an interruption there may be nothing left to do.
        let opened = if jobs.is_empty() {
            None
        } else {
            let terms = self.terms(claimed);
            let tables: Vec<Table> = jobs.iter().map(|&(_, table)| table).collect();
            let opened = self.open(&terms, &tables).await;
            Some((terms, opened))
        };
        Working { refresher: self.clone(), claimed: claimed.clone(), jobs, opened }
    }
}

impl Working {
    /// Works on the next table, to its end or its next attempt. False when there was none left.
    pub async fn step(&mut self) -> Result<bool, QueueError> {
        let (Some((job, table)), Some((terms, opened))) = (self.jobs.pop_front(), &self.opened) else {
            return Ok(false);
        };
        let (refresher, lease) = (&self.refresher, &self.claimed.lease);
        let taken = opened.as_ref().ok().map(Opened::taken);
        let Some(begun) = refresher.queue.start_attempt(lease, job, taken).await? else { return Ok(true) };
        let (report, ending) = match opened {
            Ok(opened) => {
                let worked = refresher.work(terms, opened, &begun, table).await;
                let (report, error) = worked.unwrap_or_else(|error| (failed(table, &error), Some(error)));
                (report, ending(terms, error.as_ref()))
            }
            Err(error) => (failed(table, error), ending(terms, Some(error))),
        };
        refresher.finish(lease, job, &report, ending).await?;
        Ok(true)
    }

    /// Gives the run back: ended, or waiting for further attempts.
    pub async fn settle(self) -> Result<Settled, QueueError> {
        if let Some((_, Ok(opened))) = self.opened {
            opened.close().await;
        }
        let settled = self.refresher.queue.settle(&self.claimed.lease).await?;
        match &settled {
            Settled::Ended(run) => tell(run),
            Settled::Waits(until) => {
                info!(
                    run_id = self.claimed.run,
                    "Cache refresh {} waits until {until} at least", self.claimed.run
                );
            }
        }
        Ok(settled)
    }

    /// The right to work on the run.
    pub const fn lease(&self) -> &Lease {
        &self.claimed.lease
    }
}

impl std::fmt::Debug for Working {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Working").field("run", &self.claimed.run).finish_non_exhaustive()
    }
}
