//! What a rehearsal needs to know of VMS.

use chrono::{DateTime, TimeDelta, Utc};

use super::survey::look;
use super::{RefreshConfig, RefreshError, Standing};
use crate::reports::{REPORTS, Report};
use crate::snapshot::{Look, Snapshot};
use crate::vms::tables::spec;

/// The reports that are refreshed, and what their keys depend on.
#[derive(Default)]
pub struct Scene {
    /// The reports, with the age from which on their entries are stale.
    pub reports: Vec<(&'static dyn Report, TimeDelta)>,
    /// Their key sources, and the rows of their tables.
    pub snapshot: Snapshot,
}

/// Looks at VMS as it is at `now`, in one read transaction.
pub async fn scene(config: &RefreshConfig, now: DateTime<Utc>) -> Result<Scene, RefreshError> {
    let (standings, snapshot) = look(config, Look::Stamps, now).await?;
    let refreshed = |report: &&'static dyn Report| {
        standings.get(&report.table()) == Some(&Standing::Ready)
            && report.withheld(&snapshot, &config.settings).is_none()
    };
    let reports = REPORTS
        .iter()
        .copied()
        .filter(refreshed)
        .map(|report| (report, config.limits.stale_after(spec(report.table()))))
        .collect();
    Ok(Scene { reports, snapshot })
}
