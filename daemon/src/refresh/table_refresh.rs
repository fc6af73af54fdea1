//! Parameters and timings of the refresh of a table.

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
    /// Settings of the reports.
    pub settings: Arc<ReportSettings>,
    /// How old entries may be.
    pub limits: AgeLimits,
    /// The instant that entries are stamped with.
    pub now: DateTime<Utc>,
    /// How much of the table is regenerated.
    pub scope: RefreshScope,
    /// Identity of this process: another one may be another version, and its generations are not trusted.
    pub process: u64,
    /// Cancelled when the refresh is to be stopped; checked between groups.
    pub cancel: CancellationToken,
    /// Guard of its lists; `None` if they may lose anything.
    pub guard: Option<TableGuard>,
}

impl TableRefresh {
    /// The freshness criteria for its rows, which were last recorded as `stamps`.
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

    /// Whether the passing of time alone has changed payloads since `generated`.
    pub(super) fn overtaken(&self, generated: DateTime<Utc>) -> bool {
        self.report
            .next_payloads(&self.snapshot, &self.settings, generated)
            .is_some_and(|changed| changed <= self.now)
    }
}

/// Time spent on a table, by step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Serializing them.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}
