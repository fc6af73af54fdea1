//! What a daemon does beside refreshing, one step at a time, for callers that step its components.

use std::sync::Arc;

use cached_proto::verb::health::HealthReply;
use chrono::TimeDelta;

use super::components::Components;
use super::reload::{ProcessHandles, Reloader};
use crate::clock::Clock;
use crate::jobs::QueueError;
use crate::maintenance::Maintenance;
use crate::refresh::RefreshError;
use crate::service::{Service, health};
use crate::supervise::Faults;

/// Samples of readiness, the daily pruning, and the judgement of health.
#[derive(Debug)]
pub struct Upkeep(Service);

impl Upkeep {
    /// Creates the upkeep of a daemon with these components, started now.
    pub fn of(components: &Components, clock: Arc<dyn Clock>) -> Self {
        let (live, queue) = (components.live(), components.queue.clone());
        let maintenance = Maintenance::new(queue.clone(), Arc::clone(&clock), live.refreshes());
        Self(Service {
            started: clock.now(),
            own_uid: rustix::process::geteuid().as_raw(),
            config: live.configs(),
            refresh: live.refreshes(),
            schedule: live.schedules(),
            maintenance: Arc::new(maintenance),
            reloader: Arc::new(Reloader::new(live, ProcessHandles::default())),
            logs: None,
            surveys: Arc::default(),
            probe: Arc::default(),
            readers: Arc::default(),
            faults: Faults::new(Arc::clone(&clock)),
            queue,
            clock,
        })
    }

    /// Takes a sample of readiness.
    pub async fn sample(&self) -> Result<(), RefreshError> {
        self.0.sample().await
    }

    /// Prunes the history; returns the number of deleted runs.
    pub async fn prune(&self) -> Result<u64, QueueError> {
        let kept = TimeDelta::days(self.0.config.borrow().state.history_days.into());
        self.0.queue.prune(self.0.clock.now(), kept).await
    }

    /// Judges the health, as the verb `health` does.
    pub async fn health(&self) -> HealthReply {
        health::health(&self.0).await
    }
}
