//! Holds reports back when the source looks half imported, so that the refresh does not do more harm than
//! none.
//!
//! Row counts of every snapshot are compared with those of the last one that was believed. A snapshot that
//! lost too much fills nothing. It is believed when the operator accepts it, or when two scheduled runs in a
//! row see the same loss: then the rows are gone for good. The lists of the tables that it was held for
//! shrink by the same loss, and are not judged once more.

use std::collections::BTreeMap;

use cached_proto::words::{Table, Trigger};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::Loss;
use crate::jobs::{Claimed, JobReport};
use crate::snapshot::{Snapshot, Source};
use crate::state::{Guarded, GuardedList, HeldRun, SourceCount, State, StateError, Suspect};
use crate::store::LossLimits;

/// Two counts are the same if they differ by no more than this many hundredths or rows: VMS is in use between
/// two nights.
const SAME_PERCENT: u64 = 1;
const SAME_ROWS: u64 = 3;

/// Longer than any import takes. A source that has grown since then, and still lacks most of its rows, grows
/// by ordinary work.
const IMPORT: TimeDelta = TimeDelta::hours(10);

/// How long a count that only other than scheduled runs have seen since stays the mark that losses are measured
/// by. Without a daemon no run is ever a scheduled one, and a source that shrinks over years would end up held.
const MARK: TimeDelta = TimeDelta::hours(20);

/// The role of a run for the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The snapshot is believed, whatever its row counts.
    Accepted,
    /// A scheduled run; two in a row may release what is held.
    Scheduled,
    /// Any other run.
    Other,
}

/// The guard of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guard {
    /// `None` when the operator has switched it off.
    limits: Option<LossLimits>,
    occasion: Occasion,
    /// Number of the run: a run that begins anew after a crash or for a retry is not the second one to see a
    /// loss.
    run: i64,
    /// Slot of the run, if it is a scheduled one.
    slot: Option<NaiveDateTime>,
}

/// The guard of one table's own content.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGuard {
    /// Limits of a loss.
    pub limits: LossLimits,
    /// The losses that earlier scheduled runs were held for; one that is seen again holds no longer.
    pub seen: Vec<SeenLoss>,
}

/// A loss that an earlier scheduled run has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLoss {
    /// Name of the list.
    pub list: String,
    /// Items that would have been left in it.
    pub items: u64,
    /// How long ago it was seen.
    pub ago: TimeDelta,
}

impl SeenLoss {
    /// Whether a loss that would leave `items` in `list` is the same as this one, and therefore for good.
    pub fn releases(&self, list: &str, items: u64) -> bool {
        self.list == list && is_for_good(self.items, items, self.ago)
    }
}

impl Guard {
    /// Creates the guard of a claimed run.
    pub(super) fn of(limits: Option<LossLimits>, claimed: &Claimed) -> Self {
        let occasion = match claimed.trigger {
            _ if claimed.accept => Occasion::Accepted,
            Trigger::Schedule | Trigger::CatchUp => Occasion::Scheduled,
            Trigger::TopUp | Trigger::Watch | Trigger::Startup | Trigger::Manual => Occasion::Other,
        };
        let slot = claimed.slot.as_deref().and_then(slot);
        Self { limits, occasion, run: claimed.run, slot }
    }

    /// The guard of a further snapshot within the same attempt: an operator has accepted the loss that the first
    /// one saw, and not one that came after it.
    pub(super) fn once_more(self) -> Self {
        let occasion = if self.occasion == Occasion::Accepted { Occasion::Other } else { self.occasion };
        Self { occasion, ..self }
    }

    /// Compares a snapshot with the last one that was believed, and stores its counts. If nothing may be
    /// filled from it, returns the reason.
    pub(super) async fn examine(
        &self,
        state: &State,
        snapshot: &Snapshot,
    ) -> Result<Option<String>, StateError> {
        let known = state.source_counts().await?;
        let mut ages = BTreeMap::new();
        for suspect in known.values().filter_map(|count| count.suspect) {
            if let Some(ago) = self.seen_ago(state, suspect.run, snapshot.taken).await? {
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
        state: &State,
        run: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<TimeDelta>, StateError> {
        if run == self.run {
            return Ok(None);
        }
        let held = state.held_run(run).await?;
        Ok(held.map_or(Some(TimeDelta::MAX), |held| self.counts_since(&held, now)))
    }

    fn counts_since(&self, held: &HeldRun, now: DateTime<Utc>) -> Option<TimeDelta> {
        let ended = held.ended?;
        if ended > now {
            // The clock was wrong then; all that is known is which run came first.
            return Some(TimeDelta::zero());
        }
        let apart =
            self.slot.zip(held.slot.as_deref().and_then(slot)).map(|(one, other)| (one - other).abs());
        let ago = now - ended;
        (ago >= apart.unwrap_or_default() / 2).then_some(ago)
    }

    /// Creates the guard of a table's own lists; `None` when any loss is allowed.
    pub(super) async fn of_table(
        &self,
        state: &State,
        table: Table,
        now: DateTime<Utc>,
    ) -> Result<Option<TableGuard>, StateError> {
        let Some(limits) = self.limits else { return Ok(None) };
        if self.occasion == Occasion::Accepted {
            return Ok(None);
        }
        let mut guard = TableGuard { limits, seen: Vec::new() };
        let Some(held) = state.guarded().await?.remove(&table) else { return Ok(Some(guard)) };
        if held.believed.is_some() {
            return Ok(None);
        }
        for GuardedList { list, items, run } in held.lists {
            if let (Occasion::Scheduled, Some(run)) = (self.occasion, run)
                && let Some(ago) = self.seen_ago(state, run, now).await?
            {
                guard.seen.push(SeenLoss { list, items, ago });
            }
        }
        Ok(Some(guard))
    }

    fn judge(
        &self,
        known: &BTreeMap<String, SourceCount>,
        seen: &BTreeMap<Source, u64>,
        ages: &BTreeMap<i64, TimeDelta>,
        taken: DateTime<Utc>,
    ) -> Verdict {
        let lost = |source: Source, rows: u64| {
            let before = known.get(source.table())?;
            let is_emptied = source.is_entity() && before.rows > 0 && rows == 0;
            let limits = self.limits?;
            (is_emptied || limits.are_exceeded(before.rows, rows)).then_some(*before)
        };
        let losses: Vec<(&str, SourceCount, u64)> = seen
            .iter()
            .filter_map(|(&source, &rows)| Some((source.table(), lost(source, rows)?, rows)))
            .collect();
        let settled = |&(_, before, rows): &(&str, SourceCount, u64)| {
            let seen = before.suspect.and_then(|suspect| Some((suspect.rows, *ages.get(&suspect.run)?)));
            seen.is_some_and(|(seen, ago)| is_for_good(seen, rows, ago))
        };
        let believed = match self.occasion {
            Occasion::Accepted => true,
            Occasion::Scheduled => losses.iter().all(settled),
            Occasion::Other => losses.is_empty(),
        };
        if believed {
            let counts = seen.iter().map(|(source, &rows)| {
                let source = source.table();
                let now = SourceCount { rows, suspect: None, taken };
                // Only a scheduled, accepted or daily run lowers the mark: many small losses within a day add up
                // to a big one.
                let higher = known.get(source).filter(|before| before.rows > rows);
                let stays =
                    higher.filter(|mark| self.occasion == Occasion::Other && taken - mark.taken < MARK);
                (source.to_owned(), stays.map_or(now, |mark| SourceCount { suspect: None, ..*mark }))
            });
            return Verdict { counts: counts.collect(), held: None, believes_a_loss: !losses.is_empty() };
        }
        let suspects =
            seen.keys().filter_map(|source| known.get_key_value(source.table())).map(|(source, before)| {
                let seen = losses.iter().find(|(lossy, ..)| lossy == source);
                let suspect = seen.map(|&(.., rows)| match before.suspect {
                    // The loss is the same as long as it does not get worse; its first run may release it.
                    Some(first) if goes_on(first.rows, rows) => {
                        Suspect { rows: first.rows.max(rows), run: first.run }
                    }
                    _ => Suspect { rows, run: self.run },
                });
                (source.clone(), SourceCount { suspect, ..*before })
            });
        let remembered = self.occasion == Occasion::Scheduled;
        Verdict {
            counts: if remembered { suspects.collect() } else { BTreeMap::new() },
            held: Some(reason(&losses)),
            believes_a_loss: false,
        }
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
    let mut report = JobReport::new(table, cached_proto::words::Outcome::Guarded);
    report.error = Some(reason);
    Ok(report)
}

/// Whether two counts differ by no more than a day's work.
fn are_same(before: u64, now: u64) -> bool {
    before.abs_diff(now) <= (before.saturating_mul(SAME_PERCENT) / 100).max(SAME_ROWS)
}

/// Whether a loss that left `before` rows has not got worse.
fn goes_on(before: u64, now: u64) -> bool {
    now >= before || are_same(before, now)
}

/// Whether a loss that left `before` rows some time ago is permanent. An import that is under way has more
/// rows the next time; after longer than any import takes, rows that came back do not make it a different
/// loss.
fn is_for_good(before: u64, now: u64, ago: TimeDelta) -> bool {
    are_same(before, now) || (now > before && ago >= IMPORT)
}

/// The civil date-time of a slot.
fn slot(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()
}

struct Verdict {
    /// Counts to be stored.
    counts: BTreeMap<String, SourceCount>,
    held: Option<String>,
    /// Whether missing rows count as gone for good from now on.
    believes_a_loss: bool,
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
