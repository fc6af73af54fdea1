//! Collects the data of a scrape.

use std::collections::BTreeMap;

use cached_proto::fault::Fault;
use cached_proto::verb::health::HealthReply;
use cached_proto::verb::status::StatusReply;
use chrono::{DateTime, Utc};

use crate::figures::{FullRefreshes, full_refreshes, longest_lock};
use crate::refresh::plan;
use crate::service::{Service, health, status};
use crate::web::api::status::{QueueState, queue_state};
use crate::web::views::WITH_SIZES;

/// All data that a scrape reports.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) now: DateTime<Utc>,
    pub(super) started: DateTime<Utc>,
    pub(super) status: StatusReply,
    pub(super) health: HealthReply,
    pub(super) full: FullRefreshes,
    pub(super) queue: QueueState,
    pub(super) counters: BTreeMap<String, u64>,
    /// Longest time that VMS's write lock was held, in seconds.
    pub(super) longest_lock: f64,
}

impl Scrape {
    pub(super) async fn take(service: &Service) -> Result<Self, Fault> {
        let state = service.queue.state();
        let surveyed = service.survey().await;
        Ok(Self {
            now: service.clock.now(),
            started: service.started,
            status: status::status_of(service, &surveyed, &WITH_SIZES).await?,
            health: health::health_of(service, &surveyed).await,
            full: full_refreshes(state, plan::tables(&[], &[]).len()).await?,
            queue: queue_state(service).await?,
            counters: state.counters().await?,
            longest_lock: longest_lock(state).await?,
        })
    }

    pub(super) fn counter(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or_default()
    }
}
