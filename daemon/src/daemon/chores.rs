//! Automatic maintenance: a ticker for each schedule, and the loop that executes the queued tasks.

use std::sync::Arc;

use cached_proto::words::Chore;

use super::{LiveConfig, QueueError};
use crate::clock::Clock;
use crate::heartbeat::Heartbeat;
use crate::jobs::Queue;
use crate::maintenance::{self, Maintenance};
use crate::schedule::Ticker;

pub(super) struct Chores([Ticker; 3]);

impl Chores {
    /// Creates the tickers and decides the slots that have passed until now.
    pub(super) async fn begin(
        queue: &Queue,
        clock: &Arc<dyn Clock>,
        live: &LiveConfig,
    ) -> Result<Self, QueueError> {
        let ticker = async |chore| {
            let configs = live.configs();
            let catch_up = Box::new(move || configs.borrow().schedule.catch_up);
            let schedules = live.chore_schedules(chore);
            let mut ticker =
                Ticker::for_chore(chore, queue.clone(), Arc::clone(clock), schedules, catch_up).await?;
            ticker.begin().await?;
            Ok::<_, QueueError>(ticker)
        };
        Ok(Self([ticker(Chore::Analyze).await?, ticker(Chore::Prune).await?, ticker(Chore::Backup).await?]))
    }

    /// Runs until dropped.
    pub(super) async fn run(self, maintenance: Arc<Maintenance>, heartbeat: Heartbeat) {
        let Self([analyze, prune, backup]) = self;
        tokio::join!(
            analyze.run(heartbeat.clone()),
            prune.run(heartbeat.clone()),
            backup.run(heartbeat),
            maintenance::work_off(maintenance)
        );
    }
}
