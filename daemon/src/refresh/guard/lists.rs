//! The guard of a table's own content: it holds back a group in which a past or the current year would lose
//! most of its records or most of its entries. The other groups of the table are written all the same.
//!
//! Only what the source alone can take away is judged, never what the clock takes: windows of days expire,
//! lists by event shrink as events pass, and a coming year is still being planned.

use std::collections::{BTreeMap, HashSet};

use super::{Loss, TableGuard};
use crate::refresh::RefreshError;
use crate::refresh::compute::{TableRefresh, YearEntries, year_of};
use crate::reports::year::is_past_or_current;
use crate::snapshot::ExistingRow;
use crate::store::{Existing, Freshness, LossLimits, SerializedGroup, Shrunk, shrunk};
use crate::vms::Vms;
use crate::vms::tables::{Key, spec};

/// Judges the groups of one table.
pub(in crate::refresh) struct GroupGuard<'a> {
    pub(in crate::refresh) guard: &'a TableGuard,
    pub(in crate::refresh) vms: &'a Vms,
    pub(in crate::refresh) job: &'a TableRefresh,
    pub(in crate::refresh) years: &'a BTreeMap<String, YearEntries>,
    pub(in crate::refresh) freshness: &'a Freshness<'a>,
}

impl GroupGuard<'_> {
    /// Returns what a group would lose beyond the limits, apart from losses that earlier scheduled runs have
    /// seen and that are for good. To be called before anything of the group is written.
    ///
    /// Records are compared only with those of rows that the daemon wrote under the current settings: lists
    /// differ under other settings, and in rows that VMS wrote.
    pub(in crate::refresh) async fn losses(
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
            .filter(|entry| !entry.columns.is_empty() && is_settled(&entry.key, job))
            .filter_map(|entry| Some((existing.of(&entry.key).next()?, entry)))
            .filter(|(row, _)| freshness.is_ours_of_today(row) && !skip(row))
            .collect();
        let shrunk = shrunk(self.vms, spec(job.table), &compared, guard.limits).await?;
        losses.extend(shrunk.into_iter().map(|Shrunk { key, column, before, after }| Loss {
            list: format!("{} {key}, {column}", job.table),
            before,
            after,
            what: "records",
        }));
        let is_new = |loss: &Loss| !guard.seen.iter().any(|seen| seen.releases(&loss.list, loss.after));
        Ok(if losses.iter().any(is_new) { losses } else { Vec::new() })
    }
}

/// The years of which a group would remove most entries: a half-imported source can have as many rows as
/// before without naming what it should. However small a year, more than one entry must not be lost like that.
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
