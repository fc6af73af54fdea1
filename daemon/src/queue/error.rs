//! What a caller of the queue can have wrong.

use cached_proto::verb::cancel::Target;

use crate::state::StateError;

/// The queue cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The state database failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// A run without tables would never end.
    #[error("a run needs at least one table; name a cache type, or a table that is not switched off")]
    NoTables,
    /// There is no such run, or not any more.
    #[error("there is no run {0}; `cachectl history` lists the runs that are kept")]
    NoSuchRun(i64),
    /// There is no such job, or not any more.
    #[error("there is no job {0}; `cachectl jobs` lists the jobs that are kept")]
    NoSuchJob(i64),
    /// The job has no attempt that could end.
    #[error("job {0} has no attempt in progress; start one before it is finished")]
    NotStarted(i64),
    /// Somebody else works on the run, or nobody does any more.
    #[error(
        "the lease on run {0} is lost: it was taken up again or has ended; leave it alone and claim anew"
    )]
    LeaseLost(i64),
    /// There is nothing left to cancel.
    #[error("{0} has ended already; `cachectl jobs --running` lists what can be cancelled")]
    Over(Target),
    /// Neither failed, nor cancelled, nor waiting.
    #[error(
        "{0} has not failed, so there is nothing to try again; `cachectl refresh --force` generates a table anyway"
    )]
    NothingToRetry(Target),
    /// A run ends when its tables have ended.
    #[error("run {run} still has {jobs} unfinished jobs; finish them first")]
    Unfinished {
        /// The run.
        run: i64,
        /// How many.
        jobs: usize,
    },
}
