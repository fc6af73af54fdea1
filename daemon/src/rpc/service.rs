//! What the verbs work with.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::queue::Queue;
use crate::refresh::survey::{TableSurvey, survey};
use crate::refresh::{RefreshConfig, RefreshError};
use crate::schedule::Schedule;

/// Everything that a request may look at or change.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: DateTime<Utc>,
    /// The user that the daemon runs as.
    pub(crate) own_uid: u32,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) refresh: watch::Receiver<Arc<RefreshConfig>>,
    pub(crate) schedule: watch::Receiver<Arc<Schedule>>,
    /// One at a time looks at VMS's database: many impatient clients must not slow VMS down.
    pub(crate) looking: Mutex<()>,
}

impl Service {
    /// Looks at every cache table.
    pub(super) async fn survey(&self) -> Result<Vec<TableSurvey>, RefreshError> {
        let _one = self.looking.lock().await;
        let config = Arc::clone(&self.refresh.borrow());
        survey(&config, self.queue.state(), self.clock.now()).await
    }

    /// The schedule as it is now.
    pub(super) fn schedule(&self) -> Arc<Schedule> {
        Arc::clone(&self.schedule.borrow())
    }
}
