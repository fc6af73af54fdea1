//! The data of VMS that a rehearsal needs.

use chrono::{DateTime, TimeDelta, Utc};

use super::fence::fenced;
use super::survey::read_tables;
use super::{Availability, RefreshConfig, RefreshError};
use crate::reports::{REPORTS, Report};
use crate::snapshot::{ReadDepth, Snapshot};
use crate::vms::tables::spec;

/// The reports that are refreshed, and the inputs of their keys.
#[derive(Default)]
pub struct RehearsalInputs {
    /// The reports, with the age from which their entries are stale.
    pub reports: Vec<(&'static dyn Report, TimeDelta)>,
    /// Their key sources, and the rows of their tables.
    pub snapshot: Snapshot,
}

/// Reads the inputs from VMS as of `now`, in one read transaction.
pub async fn rehearsal_inputs(
    config: &RefreshConfig,
    now: DateTime<Utc>,
) -> Result<RehearsalInputs, RefreshError> {
    let (availabilities, snapshot) = read_tables(config, ReadDepth::Stamps, now).await?;
    let refreshed = |report: &&'static dyn Report| {
        availabilities.get(&report.table()) == Some(&Availability::Ready)
            && fenced(|| report.withheld(&snapshot, &config.settings).is_none()).unwrap_or(false)
    };
    let reports = REPORTS
        .iter()
        .copied()
        .filter(refreshed)
        .map(|report| (report, config.limits.stale_after(spec(report.table()))))
        .collect();
    Ok(RehearsalInputs { reports, snapshot })
}
