//! The data of VMS that a rehearsal needs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::fence::off_thread;
use super::survey::read_tables;
use super::{Availability, RefreshConfig, RefreshError};
use crate::reports::{Context, REPORTS, Report};
use crate::snapshot::{ReadDepth, Snapshot};
use crate::vms::tables::spec;

/// The reports that are refreshed, and the inputs of their keys.
#[derive(Default)]
pub struct RehearsalInputs {
    /// The reports, with the age from which their entries are stale.
    pub reports: Vec<(&'static dyn Report, TimeDelta)>,
    /// Their key sources, and the rows of their tables.
    pub snapshot: Arc<Snapshot>,
}

/// Reads the inputs from VMS as of `now`, in one read transaction.
pub async fn rehearsal_inputs(
    config: &RefreshConfig,
    now: DateTime<Utc>,
) -> Result<RehearsalInputs, RefreshError> {
    let (availabilities, snapshot) = read_tables(config, ReadDepth::Stamps, now).await?;
    let (snapshot, settings) = (Arc::new(snapshot), Arc::new(config.settings.clone()));
    let mut reports = Vec::new();
    for &report in REPORTS {
        if availabilities.get(&report.table()) != Some(&Availability::Ready) {
            continue;
        }
        let (snapshot, settings) = (Arc::clone(&snapshot), Arc::clone(&settings));
        // A report that panics is not refreshed either.
        if let Ok(None) = off_thread(move || report.withheld(Context::new(&snapshot, &settings, now))).await {
            reports.push((report, config.limits.stale_after(spec(report.table()))));
        }
    }
    Ok(RehearsalInputs { reports, snapshot })
}
