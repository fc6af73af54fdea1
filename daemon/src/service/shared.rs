//! What the verbs share: everything that a request may read or change.

use std::fmt;
use std::sync::Arc;

use cached_proto::verb::health::VmsPage;
use cached_proto::verb::ping::Pong;
use cached_proto::verb::reload::ReloadReply;
use cached_proto::words::Table;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::describe::describe;
use crate::figures::sample;
use crate::jobs::Queue;
use crate::maintenance::Maintenance;
use crate::probe::Probe;
use crate::readers::Readers;
use crate::refresh::find::{Search, find};
use crate::refresh::survey::{TableSurvey, survey};
use crate::refresh::{RefreshConfig, RefreshError, RehearsalInputs, rehearsal_inputs};
use crate::schedule::Schedule;
use crate::single_flight::SingleFlight;
use crate::snapshot::Shapes;
use crate::state::Lane;
use crate::supervise::Faults;
use crate::telemetry::Logs;

/// Shortest time between two samples; a survey that comes sooner stores none.
const SAMPLES_APART: TimeDelta = TimeDelta::minutes(1);

/// Everything that a request may read or change; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: DateTime<Utc>,
    /// The user that the daemon runs as.
    pub(crate) own_uid: u32,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) refresh: watch::Receiver<Arc<RefreshConfig>>,
    pub(crate) schedule: watch::Receiver<Arc<Schedule>>,
    pub(crate) maintenance: Arc<Maintenance>,
    pub(crate) reloader: Arc<dyn Reloads>,
    /// The log of this process, if it keeps one.
    pub(crate) logs: Option<Logs>,
    /// Serializes reads of VMS's database: many impatient clients must not slow VMS down.
    pub(crate) looking: Arc<Mutex<Sampling>>,
    /// Surveys of all cache tables, each shared by all callers that wait for one.
    pub(crate) surveys: Arc<SingleFlight<Surveyed>>,
    /// Requests a page from VMS.
    pub(crate) probe: Arc<Probe>,
    /// The queue of those who read lists.
    pub(crate) readers: Arc<Readers>,
    /// What of the daemon itself does not work.
    pub(crate) faults: Faults,
}

/// The component that can reload the configuration.
pub(crate) trait Reloads: fmt::Debug + Send + Sync {
    /// Does what a SIGHUP does and returns the result.
    fn reload(&self) -> ReloadReply;
}

/// The result of a survey of every cache table, shared by all callers that asked for one meanwhile.
pub(crate) type Surveyed = Result<Arc<[TableSurvey]>, Arc<RefreshError>>;

/// What surveys keep for the next one: the state of readiness sampling, and parse results that can be reused.
#[derive(Debug, Default)]
pub(crate) struct Sampling {
    /// When the last sample was taken.
    last: Option<DateTime<Utc>>,
    /// Why the last sample could not be stored.
    unkept: Option<String>,
    /// Shapes of the payloads that have been read.
    shapes: Shapes,
}

impl Service {
    /// The same service, with its reads of the state database in another lane.
    pub(crate) fn on(&self, lane: Lane) -> Self {
        Self { queue: self.queue.on(lane), ..self.clone() }
    }

    /// The answer to `ping`.
    pub(crate) fn pong(&self) -> Pong {
        Pong {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started.into(),
        }
    }

    /// Surveys every cache table.
    pub(crate) async fn survey(&self) -> Surveyed {
        let look = async { self.look(SAMPLES_APART).await.map(Arc::from).map_err(Arc::new) };
        self.surveys.get(|_| false, look).await
    }

    /// Surveys every cache table in order to take a sample.
    pub(crate) async fn sample(&self) -> Result<(), RefreshError> {
        self.look(TimeDelta::zero()).await.map(drop)
    }

    /// Why the state database cannot be written, according to the most recent attempts.
    pub(crate) async fn unwritable(&self) -> Option<String> {
        self.queue.stalled().or(self.looking.lock().await.unkept.clone())
    }

    /// VMS's response to the probe, if the probe is configured.
    pub(crate) async fn vms_page(&self) -> Option<VmsPage> {
        let config = Arc::clone(&self.config.borrow());
        self.probe.page(&config.vms, self.clock.as_ref()).await
    }

    /// Searches for one entry.
    pub(crate) async fn find(&self, table: Table, wanted: &[(usize, &str)]) -> Result<Search, RefreshError> {
        let looking = self.looking.lock().await;
        let config = Arc::clone(&self.refresh.borrow());
        let now = self.clock.now();
        find(&config, self.queue.state(), table, wanted, looking.shapes.depth(now), now).await
    }

    async fn look(&self, samples_apart: TimeDelta) -> Result<Vec<TableSurvey>, RefreshError> {
        let mut sampling = self.looking.lock().await;
        let config = Arc::clone(&self.refresh.borrow());
        // Whoever asked: the result is shared with those who probe, and must not fail because many read.
        let (state, now) = (&self.queue.state().on(Lane::Probes), self.clock.now());
        let surveys = survey(&config, state, sampling.shapes.depth(now), now).await?;
        // A clock that was set back must not postpone the next sample.
        let due = sampling.last.is_none_or(|last| now < last || now - last >= samples_apart);
        if let Some(sample) = sample(now, &surveys).filter(|_| due || sampling.unkept.is_some()) {
            // The survey is worth returning even if the sample cannot be stored.
            let kept = state.keep_readiness(sample).await;
            sampling.unkept = kept.err().map(|error| describe(&error));
            sampling.last = Some(now);
        }
        Ok(surveys)
    }

    /// Reads the inputs of a rehearsal.
    pub(crate) async fn rehearsal_inputs(&self) -> Result<RehearsalInputs, RefreshError> {
        let _one = self.looking.lock().await;
        let config = Arc::clone(&self.refresh.borrow());
        rehearsal_inputs(&config, self.clock.now()).await
    }

    /// The current schedule.
    pub(crate) fn schedule(&self) -> Arc<Schedule> {
        Arc::clone(&self.schedule.borrow())
    }
}
