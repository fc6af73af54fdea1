//! When the entries of a table need renewal, as far as that is known in advance.

use chrono::{DateTime, TimeDelta, Utc};

use crate::reports::{Report, ReportSettings};
use crate::snapshot::Snapshot;

/// When the entries of a table need renewal. Each instant may have passed already, except that of the keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RenewalTimes {
    /// When the oldest entry was generated.
    pub oldest: Option<DateTime<Utc>>,
    /// When the oldest entry passes its limit.
    pub expires: Option<DateTime<Utc>>,
    /// When the passing of time alone next changes which entries there are.
    pub next_keys: Option<DateTime<Utc>>,
    /// When the passing of time alone first changes the payload of the oldest entry, after it was generated.
    pub next_payloads: Option<DateTime<Utc>>,
}

impl RenewalTimes {
    /// Computes the renewal times of a table whose oldest entry was generated at `oldest` and may reach the
    /// age `limit`.
    pub fn of(
        report: &dyn Report,
        snapshot: &Snapshot,
        settings: &ReportSettings,
        oldest: Option<DateTime<Utc>>,
        limit: TimeDelta,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            oldest,
            expires: oldest.and_then(|at| at.checked_add_signed(limit)),
            next_keys: report.next_keys(snapshot, settings, now),
            next_payloads: oldest.and_then(|at| report.next_payloads(snapshot, settings, at)),
        }
    }
}
