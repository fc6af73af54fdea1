//! Prunes the history.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::jobs::Queue;

const DAY: Duration = Duration::from_hours(24);

/// Deletes, once a day, history that is older than `state.history_days`.
pub(super) async fn prune_daily(
    queue: Queue,
    clock: Arc<dyn Clock>,
    configs: watch::Receiver<Arc<Config>>,
    heartbeat: Heartbeat,
) {
    loop {
        let kept = TimeDelta::days(configs.borrow().state.history_days.into());
        match queue.prune(clock.now(), kept).await {
            Ok(0) => {}
            Ok(runs) => info!("{runs} runs older than {} days are forgotten", kept.num_days()),
            Err(error) => warn!("The history is not pruned; trying again in a day: {}", describe(&error)),
        }
        heartbeat.nap(DAY).await;
    }
}
