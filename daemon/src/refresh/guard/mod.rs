//! Holds reports back when the source appears to be half imported: refreshing from it would do more harm than
//! no refresh.
//!
//! Row counts of every snapshot are compared with those of the last accepted one. No table is filled from a snapshot
//! that lost too much. It is accepted by the operator, or when two scheduled runs in a
//! row find the same loss: then the rows are gone for good. The lists of the tables that it was held for
//! shrink by the same loss, and are not judged again.
//!
//! Each table is also guarded individually: a group in which a past or the current year would lose most of its records
//! or most of its entries is held back, and the other groups of the table are written. Only losses that the source
//! alone can cause are judged, never those that time causes: windows of days expire, lists by event shrink as events
//! pass, and a coming year is still being planned.

mod rule;

use std::collections::{BTreeMap, HashSet};

use cached_proto::words::{Outcome, Table};
use chrono::{DateTime, TimeDelta, Utc};

use super::compute::{TableRefresh, YearEntries, year_of};
use super::{Loss, RefreshError};
use crate::jobs::{JobReport, Queue};
use crate::reports::year::is_past_or_current;
use crate::snapshot::{ExistingRow, Snapshot, Source};
use crate::state::{Guarded, GuardedList, State, StateError};
use crate::store::{Existing, Freshness, LossLimits, SerializedGroup, Shrunk, shrunk};
use crate::vms::Vms;
use crate::vms::tables::{Key, spec};

pub(super) use rule::{Guard, slot};
pub use rule::{KnownLoss, TableGuard};
use rule::{Occasion, is_not_worse};

impl Guard {
    /// Compares a snapshot with the last accepted one, and stores its counts. If no table may be
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
            if let Some(ago) = self.found_ago(queue, suspect.run, snapshot.taken).await? {
                ages.insert(suspect.run, ago);
            }
        }
        let verdict = self.judge(&known, &row_counts(snapshot), &ages, snapshot.taken);
        if verdict.accepts_a_loss {
            // The tables come first, so that a crash in between does not leave a loss that is accepted while
            // their lists are still held.
            state.accept_loss(self.run).await?;
        }
        state.keep_source_counts(&verdict.counts).await?;
        Ok(verdict.held)
    }

    /// How long ago the scheduled run `run` saw the loss that it was held for; `None` when it does not count
    /// as a run before this one. A missed slot that is caught up shortly before the next slot sees the same
    /// import as that one: two runs have to be at least half as far apart as their slots.
    async fn found_ago(
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

    /// Creates the guard of a table's own lists; `None` if any loss is allowed.
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
        let mut guard = TableGuard { limits, known_losses: Vec::new() };
        let Some(held) = queue.state().guarded().await?.remove(&table) else { return Ok(Some(guard)) };
        if held.accepted.is_some() {
            return Ok(None);
        }
        for GuardedList { list, items, run } in held.lists {
            if let (Occasion::Scheduled, Some(run)) = (self.occasion, run)
                && let Some(ago) = self.found_ago(queue, run, now).await?
            {
                guard.known_losses.push(KnownLoss { list, items, ago });
            }
        }
        Ok(Some(guard))
    }

    /// Stores the losses for which groups of a table were held, with the reason as text.
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
                    if first.run.is_some() && is_not_worse(first.items, loss.after) =>
                {
                    GuardedList { items: first.items.max(loss.after), ..first }
                }
                (Occasion::Scheduled, _) => GuardedList { run: Some(self.run), ..now },
            }
        });
        let lists = lists.collect();
        state.hold(table, Guarded { reason, since: now, lists, accepted: None }).await
    }
}

/// The number of rows of each source table.
pub(crate) fn row_counts(snapshot: &Snapshot) -> BTreeMap<Source, u64> {
    snapshot.sources.iter().map(|(&source, facts)| (source, facts.rows)).collect()
}

/// Returns why a snapshot with these row counts would not be accepted, or `None` if it would; stores nothing.
pub(crate) async fn suspicion(
    limits: Option<LossLimits>,
    state: &State,
    rows: &BTreeMap<Source, u64>,
) -> Result<Option<String>, StateError> {
    let known = state.source_counts().await?;
    let guard = Guard { limits, occasion: Occasion::Other, run: 0, slot: None };
    Ok(guard.judge(&known, rows, &BTreeMap::new(), DateTime::UNIX_EPOCH).held)
}

/// Holds a table of a run whose snapshot is not accepted, and returns its report.
pub(super) async fn hold(
    state: &State,
    table: Table,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<JobReport, StateError> {
    let reason = reason.to_owned();
    state
        .hold(table, Guarded { reason: reason.clone(), since: now, lists: Vec::new(), accepted: None })
        .await?;
    let mut report = JobReport::new(table, Outcome::Guarded);
    report.error = Some(reason);
    Ok(report)
}

/// Judges the groups of one table.
pub(super) struct GroupGuard<'a> {
    pub(super) guard: &'a TableGuard,
    pub(super) vms: &'a Vms,
    pub(super) job: &'a TableRefresh,
    pub(super) years: &'a BTreeMap<String, YearEntries>,
    pub(super) freshness: &'a Freshness<'a>,
}

impl GroupGuard<'_> {
    /// Returns the losses of a group that exceed the limits, except those that earlier scheduled runs have
    /// found and that are permanent. To be called before the group is written.
    ///
    /// Records are compared only with those of rows that the daemon wrote under the current settings: lists
    /// differ under other settings, and in rows that VMS wrote.
    pub(super) async fn losses(
        &self,
        group: &SerializedGroup,
        existing: Existing<'_>,
        skip: impl Fn(&ExistingRow) -> bool,
    ) -> Result<Vec<Loss>, RefreshError> {
        let Self { guard, job, freshness, .. } = *self;
        let mut losses = lost_entries(guard.limits, job, group, self.years);
        let compared: Vec<_> = group
            .entries
            .iter()
            .filter(|entry| !entry.is_known() && is_settled(&entry.key, job))
            .filter_map(|entry| Some((existing.of(&entry.key).next()?, entry)))
            .filter(|(row, _)| freshness.is_ours_and_current(row) && !skip(row))
            .collect();
        let shrunk = shrunk(self.vms, spec(job.table), &compared, guard.limits).await?;
        losses.extend(shrunk.into_iter().map(|Shrunk { key, column, before, after }| Loss {
            list: format!("{} {key}, {column}", job.table),
            before,
            after,
            what: "records",
        }));
        let is_new =
            |loss: &Loss| !guard.known_losses.iter().any(|known| known.releases(&loss.list, loss.after));
        Ok(if losses.iter().any(is_new) { losses } else { Vec::new() })
    }
}

/// The years of which a group would remove most entries: a half-imported source can have as many rows as before and
/// yet lack the references that it should have. However small a year, at most one entry may be lost that way.
fn lost_entries(
    limits: LossLimits,
    job: &TableRefresh,
    group: &SerializedGroup,
    years: &BTreeMap<String, YearEntries>,
) -> Vec<Loss> {
    let limits = LossLimits { min_rows: 0, ..limits };
    let retired: HashSet<&str> = group.retire.iter().filter_map(|key| year_of(key, job)).collect();
    let counted = years.iter().filter(|(year, _)| retired.contains(year.as_str()));
    let lost = counted.filter(|(_, entries)| {
        entries.before.saturating_sub(entries.after) > 1 && limits.are_exceeded(entries.before, entries.after)
    });
    lost.map(|(year, entries)| Loss {
        list: format!("{} {year}", job.table),
        before: entries.before,
        after: entries.after,
        what: "entries",
    })
    .collect()
}

/// Whether a key names a past or the current year.
fn is_settled(key: &Key, job: &TableRefresh) -> bool {
    year_of(key, job).is_some_and(|year| is_past_or_current(year, job.now, job.settings.zone))
}
