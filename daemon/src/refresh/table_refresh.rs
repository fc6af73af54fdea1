//! What a table is refreshed with, and what its refresh tells.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{RefreshScope, TableGuard};
use crate::reports::{Report, ReportSettings};
use crate::snapshot::Snapshot;
use crate::store::{AgeLimits, Freshness, Stamps};
use crate::vms::tables::spec;

/// What a table is refreshed with.
#[derive(Clone)]
pub struct TableRefresh {
    /// The table.
    pub table: Table,
    /// The report that fills it.
    pub report: &'static dyn Report,
    /// The source.
    pub snapshot: Arc<Snapshot>,
    /// How reports are made.
    pub settings: Arc<ReportSettings>,
    /// How old entries may be.
    pub limits: AgeLimits,
    /// The instant that entries are stamped with.
    pub now: DateTime<Utc>,
    /// How much of it is regenerated.
    pub scope: RefreshScope,
    /// Which process this is: another one may be another version, and its generations are not trusted.
    pub process: u64,
    /// Cancelled when somebody wants it stopped; looked at between groups.
    pub cancel: CancellationToken,
    /// Which losses its lists may have; none for any.
    pub guard: Option<TableGuard>,
}

impl TableRefresh {
    /// By what its rows, left as `stamps` tells, are judged.
    pub(super) fn freshness<'a>(&self, stamps: &'a Stamps) -> Freshness<'a> {
        Freshness {
            spec: spec(self.table),
            limits: self.limits,
            zone: self.settings.zone,
            now: self.now,
            stamps,
            fingerprint: self.settings.fingerprint(self.table),
        }
    }

    /// Whether the clock alone has changed payloads since an instant.
    pub(super) fn overtaken(&self, generated: DateTime<Utc>) -> bool {
        self.report
            .next_payloads(&self.snapshot, &self.settings, generated)
            .is_some_and(|changed| changed <= self.now)
    }
}

/// Where the time of a table went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Turning them into text.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}
