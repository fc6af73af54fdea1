//! Holds reports back when the source looks half imported, so that the refresh does not do more harm than
//! none.
//!
//! Row counts of every snapshot are compared with those of the last one that was believed. A snapshot that
//! lost too much fills nothing. It is believed when the operator accepts it, or when two scheduled runs in a
//! row see the same loss: then the rows are gone for good. The lists of the tables that it was held for
//! shrink by the same loss, and are not judged once more.

mod lists;
mod rule;

use std::collections::BTreeMap;

use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, TimeDelta, Utc};

use super::Loss;
use crate::jobs::{JobReport, Queue};
use crate::snapshot::{Snapshot, Source};
use crate::state::{Guarded, GuardedList, State, StateError};
use crate::store::LossLimits;

pub(super) use lists::GroupGuard;
pub(super) use rule::Guard;
use rule::{Occasion, goes_on};
pub use rule::{SeenLoss, TableGuard};

impl Guard {
    /// Compares a snapshot with the last one that was believed, and stores its counts. If nothing may be
    /// filled from it, returns the reason.
    pub(super) async fn examine(
        &self,
        queue: &Queue,
        snapshot: &Snapshot,
    ) -> Result<Option<String>, StateError> {
        let state = queue.state();
        let known = state.source_counts().await?;
        let mut ages = BTreeMap::new();
        for suspect in known.values().filter_map(|count| count.suspect) {
            if let Some(ago) = self.seen_ago(queue, suspect.run, snapshot.taken).await? {
                ages.insert(suspect.run, ago);
            }
        }
        let verdict = self.judge(&known, &row_counts(snapshot), &ages, snapshot.taken);
        if verdict.believes_a_loss {
            // The tables come first, so that a crash in between does not leave a loss that is believed while
            // their lists are still held.
            state.believe(self.run).await?;
        }
        state.keep_source_counts(&verdict.counts).await?;
        Ok(verdict.held)
    }

    /// How long ago the scheduled run `run` saw the loss that it was held for; `None` when it does not count
    /// as a run before this one. A missed slot that is caught up shortly before the next slot sees the same
    /// import as that one: two runs have to be at least half as far apart as their slots.
    async fn seen_ago(
        &self,
        queue: &Queue,
        run: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<TimeDelta>, StateError> {
        if run == self.run {
            return Ok(None);
        }
        let held = queue.held_run(run).await?;
        Ok(held.map_or(Some(TimeDelta::MAX), |held| self.counts_since(&held, now)))
    }

    /// Creates the guard of a table's own lists; `None` when any loss is allowed.
    pub(super) async fn of_table(
        &self,
        queue: &Queue,
        table: Table,
        now: DateTime<Utc>,
    ) -> Result<Option<TableGuard>, StateError> {
        let Some(limits) = self.limits else { return Ok(None) };
        if self.occasion == Occasion::Accepted {
            return Ok(None);
        }
        let mut guard = TableGuard { limits, seen: Vec::new() };
        let Some(held) = queue.state().guarded().await?.remove(&table) else { return Ok(Some(guard)) };
        if held.believed.is_some() {
            return Ok(None);
        }
        for GuardedList { list, items, run } in held.lists {
            if let (Occasion::Scheduled, Some(run)) = (self.occasion, run)
                && let Some(ago) = self.seen_ago(queue, run, now).await?
            {
                guard.seen.push(SeenLoss { list, items, ago });
            }
        }
        Ok(Some(guard))
    }

    /// Stores what groups of a table were held for, with the reason in words.
    pub(super) async fn hold_groups(
        &self,
        state: &State,
        table: Table,
        losses: &[Loss],
        reason: String,
        now: DateTime<Utc>,
    ) -> Result<(), StateError> {
        let held = state.guarded().await?.remove(&table).map_or_else(Vec::new, |held| held.lists);
        let lists = losses.iter().map(|loss| {
            let first = held.iter().find(|first| first.list == loss.list).cloned();
            let now = GuardedList { list: loss.list.clone(), items: loss.after, run: None };
            match (self.occasion, first) {
                // Runs between two scheduled ones do not count as a second scheduled run.
                (Occasion::Accepted | Occasion::Other, first) => first.unwrap_or(now),
                (Occasion::Scheduled, Some(first))
                    if first.run.is_some() && goes_on(first.items, loss.after) =>
                {
                    GuardedList { items: first.items.max(loss.after), ..first }
                }
                (Occasion::Scheduled, _) => GuardedList { run: Some(self.run), ..now },
            }
        });
        let lists = lists.collect();
        state.hold(table, Guarded { reason, since: now, lists, believed: None }).await
    }
}

/// The number of rows of each source table.
pub(crate) fn row_counts(snapshot: &Snapshot) -> BTreeMap<Source, u64> {
    snapshot.sources.iter().map(|(&source, facts)| (source, facts.rows)).collect()
}

/// Returns why a snapshot with these row counts would not be believed, if so; stores nothing.
pub(crate) async fn suspicion(
    limits: Option<LossLimits>,
    state: &State,
    rows: &BTreeMap<Source, u64>,
) -> Result<Option<String>, StateError> {
    let known = state.source_counts().await?;
    let guard = Guard { limits, occasion: Occasion::Other, run: 0, slot: None };
    Ok(guard.judge(&known, rows, &BTreeMap::new(), DateTime::UNIX_EPOCH).held)
}

/// Holds a table of a run whose snapshot is not believed, and returns its report.
pub(super) async fn hold(
    state: &State,
    table: Table,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<JobReport, StateError> {
    let reason = reason.to_owned();
    state
        .hold(table, Guarded { reason: reason.clone(), since: now, lists: Vec::new(), believed: None })
        .await?;
    let mut report = JobReport::new(table, Outcome::Guarded);
    report.error = Some(reason);
    Ok(report)
}
