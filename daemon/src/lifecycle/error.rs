//! Errors of starting and running the daemon.

use tokio::task::JoinError;

use crate::queue::QueueError;
use crate::refresh::ConfigureError;
use crate::rpc::BindError;
use crate::schedule::ScheduleError;
use crate::state::StateError;
use crate::web;

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
    /// The web page cannot be served.
    #[error(transparent)]
    Web(#[from] web::BindError),
}

/// Why the daemon cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    /// The worker cannot use the queue.
    #[error("the worker cannot go on; what is queued stays queued until the next start")]
    Queue(#[source] QueueError),
    /// A task panicked, which is a bug.
    #[error("the {task} task panicked; this is a bug, please report it with the log")]
    Panicked {
        /// Name of the task.
        task: &'static str,
        /// The panic.
        #[source]
        source: JoinError,
    },
    /// A task ended early, which is a bug.
    #[error("the {task} task ended early; this is a bug, please report it with the log")]
    Ended {
        /// Name of the task.
        task: &'static str,
    },
}
