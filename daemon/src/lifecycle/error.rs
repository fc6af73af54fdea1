//! Why the daemon does not start, or cannot go on.

use cached_proto::words::Chore;
use tokio::task::JoinError;

use crate::queue::QueueError;
use crate::refresh::ConfigureError;
use crate::rpc::BindError;
use crate::schedule::ScheduleError;
use crate::state::StateError;
use crate::web;

/// A configuration that is valid in itself and still of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A data file that it names.
    #[error(transparent)]
    Reports(#[from] ConfigureError),
    /// A schedule of maintenance.
    #[error("the [maintenance] section cannot be used: {chore}: {source}")]
    Maintenance {
        /// Its key.
        chore: Chore,
        /// Why.
        #[source]
        source: ScheduleError,
    },
    /// Visitors of the web page cannot be told apart.
    #[error("the web page cannot be served: {0}")]
    Visitors(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its schedule.
    #[error("the [schedule] section cannot be used: {0}")]
    Schedule(#[from] ScheduleError),
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is of no use.
    #[error(transparent)]
    Config(#[from] Unusable),
    /// Its own database cannot be used, or another process uses it.
    #[error(transparent)]
    State(#[from] StateError),
    /// The queue in it cannot be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Its socket cannot be served.
    #[error(transparent)]
    Socket(#[from] BindError),
    /// Its web page cannot be served.
    #[error(transparent)]
    Web(#[from] web::BindError),
}

/// Why the daemon cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    /// The queue cannot be worked on.
    #[error("the worker cannot go on; what is queued stays queued until the next start")]
    Queue(#[source] QueueError),
    /// A defect.
    #[error("the {task} task panicked; this is a bug, please report it with the log")]
    Panicked {
        /// Which one.
        task: &'static str,
        /// What it said.
        #[source]
        source: JoinError,
    },
    /// A defect, too.
    #[error("the {task} task ended early; this is a bug, please report it with the log")]
    Ended {
        /// Which one.
        task: &'static str,
    },
}
