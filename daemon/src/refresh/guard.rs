//! Holds reports back when the source looks half imported, so that a bad night is not worse than no night.
//!
//! Row counts of every snapshot are compared with those of the last one that was believed. A snapshot that lost
//! too much fills nothing. It is believed when somebody accepts it, or when two scheduled runs in a row see the
//! same: then the rows are gone for good.

use std::collections::BTreeMap;

use cached_proto::words::{Table, Trigger};
use chrono::{DateTime, Utc};

use super::{RefreshError, TableResult};
use crate::queue::{Claimed, JobReport};
use crate::snapshot::Snapshot;
use crate::state::{Guarded, GuardedList, SourceCount, State, StateError, Suspect};
use crate::store::LossLimits;

/// Two counts count as the same up to so many hundredths: VMS goes on working between two nights.
const SAME_PERCENT: u64 = 1;

/// What a run has to do with the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Whatever the source looks like is believed.
    Accepted,
    /// A run of the schedule, of which two in a row may release what is held.
    Scheduled,
    /// Any other run.
    Other,
}

/// The guard of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guard {
    /// None when the operator has switched it off.
    limits: Option<LossLimits>,
    occasion: Occasion,
    /// Its number: a run that begins anew after a crash or for a retry is not the second one to see a loss.
    run: i64,
}

/// The guard of one table's own lists.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGuard {
    /// What is too much.
    pub limits: LossLimits,
    /// What the scheduled run before this one was held for; seen again, it holds no longer.
    pub seen: Option<GuardedList>,
}

impl Guard {
    /// The guard of a claimed run.
    pub(super) fn of(limits: Option<LossLimits>, claimed: &Claimed) -> Self {
        let occasion = match claimed.trigger {
            _ if claimed.accept => Occasion::Accepted,
            Trigger::Schedule | Trigger::CatchUp => Occasion::Scheduled,
            Trigger::TopUp | Trigger::Watch | Trigger::Startup | Trigger::Manual => Occasion::Other,
        };
        Self { limits, occasion, run: claimed.run }
    }

    /// Compares a snapshot with the last one that was believed, and remembers it. Returns why nothing may be
    /// filled from it, if so.
    pub(super) async fn examine(
        &self,
        state: &State,
        snapshot: &Snapshot,
    ) -> Result<Option<String>, StateError> {
        let known = state.source_counts().await?;
        let seen: BTreeMap<&str, u64> =
            snapshot.sources.iter().map(|(source, facts)| (source.table(), facts.rows)).collect();
        let verdict = self.judge(&known, &seen, snapshot.taken);
        state.keep_source_counts(&verdict.counts).await?;
        Ok(verdict.held)
    }

    /// The guard of a table's own lists; none when anything goes.
    pub(super) async fn of_table(
        &self,
        state: &State,
        table: Table,
    ) -> Result<Option<TableGuard>, StateError> {
        let Some(limits) = self.limits else { return Ok(None) };
        let seen = match self.occasion {
            Occasion::Accepted => return Ok(None),
            Occasion::Other => None,
            Occasion::Scheduled => {
                let held = state.guarded().await?.remove(&table);
                held.filter(|held| held.run != Some(self.run)).and_then(|held| held.list)
            }
        };
        Ok(Some(TableGuard { limits, seen }))
    }

    fn judge(
        &self,
        known: &BTreeMap<String, SourceCount>,
        seen: &BTreeMap<&str, u64>,
        taken: DateTime<Utc>,
    ) -> Verdict {
        let lost = |source: &str, rows: u64| {
            let before = known.get(source)?;
            self.limits.is_some_and(|limits| limits.are_exceeded(before.rows, rows)).then_some(*before)
        };
        let losses: Vec<(&str, SourceCount, u64)> =
            seen.iter().filter_map(|(&source, &rows)| Some((source, lost(source, rows)?, rows))).collect();
        let settled = |&(_, before, rows): &(&str, SourceCount, u64)| {
            before.suspect.is_some_and(|suspect| suspect.run != self.run && are_same(suspect.rows, rows))
        };
        let believed = match self.occasion {
            Occasion::Accepted => true,
            Occasion::Scheduled => losses.iter().all(settled),
            Occasion::Other => losses.is_empty(),
        };
        if believed {
            let counts = seen.iter().map(|(&source, &rows)| {
                // Only the schedule and people lower the mark: many small losses within a day are one big one.
                let highest = known.get(source).map_or(rows, |before| before.rows.max(rows));
                let rows = if self.occasion == Occasion::Other { highest } else { rows };
                (source.to_owned(), SourceCount { rows, suspect: None, taken })
            });
            return Verdict { counts: counts.collect(), held: None };
        }
        let suspects =
            known.iter().filter(|(source, _)| seen.contains_key(source.as_str())).map(|(source, before)| {
                let seen = losses.iter().find(|(lossy, ..)| lossy == source);
                let suspect = seen.map(|&(.., rows)| Suspect { rows, run: self.run });
                (source.clone(), SourceCount { suspect, ..*before })
            });
        let remembered = self.occasion == Occasion::Scheduled;
        Verdict {
            counts: if remembered { suspects.collect() } else { BTreeMap::new() },
            held: Some(reason(&losses)),
        }
    }

    /// Remembers what became of a table: what its own lists were held for, or that nothing holds it any more.
    pub(super) async fn settle(
        &self,
        state: &State,
        table: Table,
        result: &TableResult,
        now: DateTime<Utc>,
    ) -> Result<(), StateError> {
        match &result.error {
            None => state.release(table).await,
            Some(RefreshError::Guarded { list, .. }) => {
                // What people and changes ask for in between does not make two nights of one.
                let (list, run) = if self.occasion == Occasion::Scheduled {
                    (Some(list.clone()), Some(self.run))
                } else {
                    let before = state.guarded().await?.remove(&table);
                    before.map_or((None, None), |held| (held.list, held.run))
                };
                let reason = result.report.error.clone().unwrap_or_default();
                state.hold(table, Guarded { reason, since: now, list, run }).await
            }
            // Whether the guard would have let it pass is not known.
            Some(_) => Ok(()),
        }
    }
}

/// Why a snapshot would not be believed, if so; nothing is remembered of it.
pub(crate) async fn suspicion(
    limits: Option<LossLimits>,
    state: &State,
    snapshot: &Snapshot,
) -> Result<Option<String>, StateError> {
    let known = state.source_counts().await?;
    let seen: BTreeMap<&str, u64> =
        snapshot.sources.iter().map(|(source, facts)| (source.table(), facts.rows)).collect();
    Ok(Guard { limits, occasion: Occasion::Other, run: 0 }.judge(&known, &seen, snapshot.taken).held)
}

/// Ends a table of a run whose snapshot is not believed.
pub(super) async fn hold(
    state: &State,
    table: Table,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<JobReport, StateError> {
    let reason = reason.to_owned();
    state.hold(table, Guarded { reason: reason.clone(), since: now, list: None, run: None }).await?;
    let mut report = JobReport::new(table, cached_proto::words::Outcome::Guarded);
    report.error = Some(reason);
    Ok(report)
}

/// Whether two counts differ by no more than a day's work.
pub(super) fn are_same(before: u64, now: u64) -> bool {
    before.abs_diff(now).saturating_mul(100) <= before.saturating_mul(SAME_PERCENT)
}

struct Verdict {
    /// What is to be remembered.
    counts: BTreeMap<String, SourceCount>,
    held: Option<String>,
}

fn reason(losses: &[(&str, SourceCount, u64)]) -> String {
    let losses: Vec<String> = losses
        .iter()
        .map(|(source, before, rows)| format!("{source} went from {} to {rows} rows", before.rows))
        .collect();
    format!(
        "the source lost suspiciously many rows: {}; the old reports stand until `cachectl refresh --accept`, or \
         until two scheduled runs in a row see the same",
        losses.join(", ")
    )
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
