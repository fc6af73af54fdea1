//! Surveys VMS's tables on behalf of verbs: one survey at a time, because many impatient clients must not slow VMS
//! down; concurrent requests share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Service;
use crate::describe::describe;
use crate::figures::sample;
use crate::refresh::survey::{TableSurvey, survey};
use crate::refresh::{RefreshError, RehearsalInputs, rehearsal_inputs};
use crate::single_flight::SingleFlight;
use crate::snapshot::{ReadDepth, Shapes};
use crate::state::Lane;

/// Shortest time between two samples; a survey that comes sooner stores none.
const SAMPLES_APART: TimeDelta = TimeDelta::minutes(1);

/// The result of a survey of every cache table.
pub(crate) type Surveyed = Result<Arc<[TableSurvey]>, Arc<RefreshError>>;

/// The surveys, and what each keeps for the next one.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    flight: SingleFlight<Surveyed>,
    /// Shapes of the payloads that have been read.
    shapes: Shapes,
    sampling: Mutex<Sampling>,
}

#[derive(Debug, Default)]
struct Sampling {
    /// When the last sample was taken.
    last: Option<DateTime<Utc>>,
    /// Why the last sample could not be stored.
    unstored: Option<String>,
}

impl Surveys {
    /// Waits until no survey of VMS's tables is running; none starts while the returned guard is kept.
    pub(super) async fn alone(&self) -> impl Sized + use<'_> {
        self.flight.alone().await
    }

    /// How closely rows are read at `now`.
    pub(super) fn depth(&self, now: DateTime<Utc>) -> ReadDepth<'_> {
        self.shapes.depth(now)
    }

    fn sampling(&self) -> MutexGuard<'_, Sampling> {
        self.sampling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a sample is due. A clock that was set back must not postpone it.
    fn is_due(&self, now: DateTime<Utc>, apart: TimeDelta) -> bool {
        let Sampling { last, unstored } = &*self.sampling();
        unstored.is_some() || last.is_none_or(|last| now < last || now - last >= apart)
    }
}

impl Service {
    /// Surveys every cache table.
    pub(crate) async fn survey(&self) -> Surveyed {
        let reading = async { self.survey_tables(SAMPLES_APART).await.map(Arc::from).map_err(Arc::new) };
        self.surveys.flight.get(self.clock.as_ref(), Duration::ZERO, |_| true, reading).await
    }

    /// Surveys every cache table in order to take a sample.
    pub(crate) async fn sample(&self) -> Result<(), RefreshError> {
        let _alone = self.surveys.flight.alone().await;
        self.survey_tables(TimeDelta::zero()).await.map(drop)
    }

    /// Why the state database cannot be written, according to the most recent attempts.
    pub(crate) fn unwritable(&self) -> Option<String> {
        self.queue.stalled().or(self.surveys.sampling().unstored.clone())
    }

    /// Reads the inputs of a rehearsal.
    pub(crate) async fn rehearsal_inputs(&self) -> Result<RehearsalInputs, RefreshError> {
        let _alone = self.surveys.flight.alone().await;
        let config = Arc::clone(&self.refresh.borrow());
        rehearsal_inputs(&config, self.clock.now()).await
    }

    async fn survey_tables(&self, samples_apart: TimeDelta) -> Result<Vec<TableSurvey>, RefreshError> {
        let config = Arc::clone(&self.refresh.borrow());
        // Always on the lane of probes: they share the result, and it must not fail because of many readers.
        let (state, now) = (&self.queue.state().on(Lane::Probes), self.clock.now());
        let surveys = survey(&config, state, self.surveys.shapes.depth(now), now).await?;
        if let Some(sample) = sample(now, &surveys).filter(|_| self.surveys.is_due(now, samples_apart)) {
            // The survey is worth returning even if the sample cannot be stored.
            let stored = state.keep_readiness(sample).await;
            let unstored = stored.err().map(|error| describe(&error));
            *self.surveys.sampling() = Sampling { last: Some(now), unstored };
        }
        Ok(surveys)
    }
}
