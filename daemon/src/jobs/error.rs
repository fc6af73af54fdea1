//! Errors of the queue.

use cached_proto::verb::cancel::Target;

use crate::state::StateError;

/// A request to the queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The state database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A run without tables would never end.
    #[error("a run needs at least one table; name a cache type, or a table that is not switched off")]
    NoTables,
    /// The run does not exist, or has been pruned.
    #[error("there is no run {0}; `cachectl history` lists the runs that are kept")]
    NoSuchRun(i64),
    /// The job does not exist, or has been pruned.
    #[error("there is no job {0}; `cachectl jobs` lists the jobs that are kept")]
    NoSuchJob(i64),
    /// The job has no attempt in progress.
    #[error("job {0} has no attempt in progress; start one before it is finished")]
    NotStarted(i64),
    /// Another worker has taken the run over, or the run is no longer being worked on.
    #[error(
        "the lease on run {0} is lost: it was taken up again or has ended; leave it alone and claim anew"
    )]
    LeaseLost(i64),
    /// There is nothing left to cancel.
    #[error("{0} has ended already; `cachectl jobs --running` lists what can be cancelled")]
    Over(Target),
    /// The target neither failed nor was cancelled, and does not wait for a retry.
    #[error(
        "{0} has not failed, so there is nothing to try again; `cachectl refresh --force` generates a table anyway"
    )]
    NothingToRetry(Target),
    /// The run still has running jobs; it cannot be settled before they have ended.
    #[error("run {run} still has {jobs} unfinished jobs; finish them first")]
    Unfinished {
        /// The run.
        run: i64,
        /// Number of unfinished jobs.
        jobs: usize,
    },
}
