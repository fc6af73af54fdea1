//! When the entries of a table need renewal, as far as that is known in advance.

use chrono::{DateTime, TimeDelta, Utc};

use crate::reports::{Context, Report};

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
    pub fn of(report: &dyn Report, cx: Context<'_>, oldest: Option<DateTime<Utc>>, limit: TimeDelta) -> Self {
        Self {
            oldest,
            expires: oldest.and_then(|at| at.checked_add_signed(limit)),
            next_keys: report.next_keys(cx),
            next_payloads: oldest.and_then(|now| report.next_payloads(Context { now, ..cx })),
        }
    }
}
