//! Parameters and timings of the refresh of a table.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{RefreshScope, TableGuard};
use crate::reports::{Context, Report, ReportSettings};
use crate::snapshot::Snapshot;
use crate::store::{AgeLimits, Freshness, SerializedGroup, Stamps};
use crate::vms::tables::{Key, spec};

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
    /// Which of its entries are written.
    pub selection: Selection,
}

/// Which entries of a table are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All but these, which VMS may be computing at the moment.
    AllBut(HashSet<Key>),
    /// Only these, which VMS wrote while they were computed.
    Only(HashSet<Key>),
}

impl Selection {
    /// Every entry.
    pub fn all() -> Self {
        Self::AllBut(HashSet::new())
    }

    /// Removes from a group what is not written; returns how many entries of the report are left alone.
    pub(super) fn apply(&self, group: &mut SerializedGroup) -> usize {
        let entries = group.entries.len();
        match self {
            Self::AllBut(left) => {
                group.entries.retain(|entry| !left.contains(&entry.key));
                entries - group.entries.len()
            }
            Self::Only(wanted) => {
                group.entries.retain(|entry| wanted.contains(&entry.key));
                group.retire.clear();
                0
            }
        }
    }
}

impl TableRefresh {
    /// What its report depends on.
    pub(super) fn context(&self) -> Context<'_> {
        Context::new(&self.snapshot, &self.settings, self.now)
    }

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
        let then = Context { now: generated, ..self.context() };
        self.report.next_payloads(then).is_some_and(|changed| changed <= self.now)
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
