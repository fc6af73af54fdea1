//! Errors of starting and running the daemon.

use crate::jobs::QueueError;
use crate::refresh::ConfigureError;
use crate::rpc::BindError;
use crate::schedule::ScheduleError;
use crate::state::StateError;

/// Why a configuration that is valid in itself cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A data file named by the configuration cannot be used.
    #[error(transparent)]
    Reports(#[from] ConfigureError),
    /// Clients of the web page cannot be identified.
    #[error("the web page cannot be served: {0}")]
    Visitors(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The refresh schedule cannot be used.
    #[error("the [schedule] section cannot be used: {0}")]
    Schedule(#[from] ScheduleError),
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// The daemon's own database cannot be used, or another process uses it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The queue in that database cannot be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The control socket cannot be served.
    #[error(transparent)]
    Socket(#[from] BindError),
}

/// The worker cannot use the queue.
#[derive(Debug, thiserror::Error)]
#[error("the worker cannot go on; what is queued stays queued until the next start")]
pub(super) struct WorkerFailed(#[source] pub(super) QueueError);

/// Another process has taken the lock of the state, whose file had been removed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the lock file of the state was removed, and another process works with the state by now; this one stops"
)]
pub(super) struct LockLost(#[source] pub(super) StateError);
