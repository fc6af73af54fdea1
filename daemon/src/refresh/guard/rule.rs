//! The rule of the guard, without any state: which snapshot is accepted, and which loss is permanent.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::jobs::{Claimed, HeldRun, Policy};
use crate::snapshot::Source;
use crate::state::{SourceCount, Suspect};
use crate::store::LossLimits;

/// Two counts are the same if they differ by no more than this many percent or rows: VMS is in use between
/// two nights.
const SAME_PERCENT: u64 = 1;
const SAME_ROWS: u64 = 3;

/// Longer than any import takes. A source that has grown since then, and still lacks most of its rows, grows
/// by ordinary work.
const IMPORT: TimeDelta = TimeDelta::hours(10);

/// How long a count stays the reference for losses while no scheduled run confirms it. Without a daemon, no run is
/// a scheduled one, and a source that shrinks over years would end up held.
const REFERENCE_LIFETIME: TimeDelta = TimeDelta::hours(20);

/// The role of a run for the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::refresh) enum Occasion {
    /// The snapshot is accepted, whatever its row counts.
    Accepted,
    /// A scheduled run; two in a row may release what is held.
    Scheduled,
    /// Any other run.
    Other,
}

/// The guard of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::refresh) struct Guard {
    /// `None` if the operator has disabled it.
    pub(super) limits: Option<LossLimits>,
    pub(super) occasion: Occasion,
    /// Number of the run: a run that begins again after a crash or for a retry is not the second one to find a
    /// loss.
    pub(super) run: i64,
    /// Slot of the run, if it is a scheduled one.
    pub(super) slot: Option<NaiveDateTime>,
}

/// The guard of one table's own content.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGuard {
    /// Limits of a loss.
    pub limits: LossLimits,
    /// The losses that earlier scheduled runs were held for; one that is found again no longer holds the table.
    pub known_losses: Vec<KnownLoss>,
}

/// A loss that an earlier scheduled run has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLoss {
    /// Name of the list.
    pub list: String,
    /// Items that would have been left in it.
    pub items: u64,
    /// How long ago it was found.
    pub ago: TimeDelta,
}

impl KnownLoss {
    /// Whether a loss that would leave `items` in `list` is the same as this one, and therefore permanent.
    pub fn releases(&self, list: &str, items: u64) -> bool {
        self.list == list && is_permanent(self.items, items, self.ago)
    }
}

impl Guard {
    /// Creates the guard of a claimed run.
    pub(in crate::refresh) fn of(limits: Option<LossLimits>, claimed: &Claimed) -> Self {
        let Claimed { run, request, .. } = claimed;
        let policy = Policy::of(request.trigger, request.force);
        let occasion = match policy.is_of_slot() {
            _ if request.accept => Occasion::Accepted,
            true => Occasion::Scheduled,
            false => Occasion::Other,
        };
        let slot = request.slot.as_deref().and_then(slot);
        Self { limits, occasion, run: *run, slot }
    }

    /// The guard of a further snapshot within the same attempt: an operator has accepted the loss in the
    /// first one, but not a later loss.
    pub(in crate::refresh) fn for_newer_snapshot(self) -> Self {
        let occasion = if self.occasion == Occasion::Accepted { Occasion::Other } else { self.occasion };
        Self { occasion, ..self }
    }

    /// How long ago a run found the loss that it was held for, if it counts as an earlier run.
    pub(super) fn counts_since(&self, held: &HeldRun, now: DateTime<Utc>) -> Option<TimeDelta> {
        let ended = held.ended?;
        if ended > now {
            // The clock was wrong then; only the order of the runs is known.
            return Some(TimeDelta::zero());
        }
        let apart =
            self.slot.zip(held.slot.as_deref().and_then(slot)).map(|(one, other)| (one - other).abs());
        let ago = now - ended;
        (ago >= apart.unwrap_or_default() / 2).then_some(ago)
    }

    /// Judges the row counts of a snapshot by the known ones.
    pub(super) fn judge(
        &self,
        known: &BTreeMap<String, SourceCount>,
        found: &BTreeMap<Source, u64>,
        ages: &BTreeMap<i64, TimeDelta>,
        taken: DateTime<Utc>,
    ) -> Verdict {
        let lost = |source: Source, rows: u64| {
            let before = known.get(source.table())?;
            let is_emptied = source.is_entity() && before.rows > 0 && rows == 0;
            let limits = self.limits?;
            (is_emptied || limits.are_exceeded(before.rows, rows)).then_some(*before)
        };
        let losses: Vec<(&str, SourceCount, u64)> = found
            .iter()
            .filter_map(|(&source, &rows)| Some((source.table(), lost(source, rows)?, rows)))
            .collect();
        let settled = |&(_, before, rows): &(&str, SourceCount, u64)| {
            let earlier = before.suspect.and_then(|suspect| Some((suspect.rows, *ages.get(&suspect.run)?)));
            earlier.is_some_and(|(earlier, ago)| is_permanent(earlier, rows, ago))
        };
        let accepted = match self.occasion {
            Occasion::Accepted => true,
            Occasion::Scheduled => losses.iter().all(settled),
            Occasion::Other => losses.is_empty(),
        };
        if accepted {
            let counts = found.iter().map(|(source, &rows)| {
                let source = source.table();
                let now = SourceCount { rows, suspect: None, taken };
                // Only a scheduled, accepted or daily run lowers the reference: many small losses within a day add up
                // to a large one.
                let higher = known.get(source).filter(|before| before.rows > rows);
                let kept = higher.filter(|before| {
                    self.occasion == Occasion::Other && taken - before.taken < REFERENCE_LIFETIME
                });
                (source.to_owned(), kept.map_or(now, |before| SourceCount { suspect: None, ..*before }))
            });
            return Verdict { counts: counts.collect(), held: None, accepts_a_loss: !losses.is_empty() };
        }
        let suspects =
            found.keys().filter_map(|source| known.get_key_value(source.table())).map(|(source, before)| {
                let matching = losses.iter().find(|(lossy, ..)| lossy == source);
                let suspect = matching.map(|&(.., rows)| match before.suspect {
                    // The loss is the same as long as it does not get worse; its first run may release it.
                    Some(first) if is_not_worse(first.rows, rows) => {
                        Suspect { rows: first.rows.max(rows), run: first.run }
                    }
                    _ => Suspect { rows, run: self.run },
                });
                (source.clone(), SourceCount { suspect, ..*before })
            });
        let recorded = self.occasion == Occasion::Scheduled;
        Verdict {
            counts: if recorded { suspects.collect() } else { BTreeMap::new() },
            held: Some(reason(&losses)),
            accepts_a_loss: false,
        }
    }
}

/// Whether two counts differ by no more than a day's work.
fn are_same(before: u64, now: u64) -> bool {
    before.abs_diff(now) <= (before.saturating_mul(SAME_PERCENT) / 100).max(SAME_ROWS)
}

/// Whether a loss that left `before` rows has not become worse.
pub(super) fn is_not_worse(before: u64, now: u64) -> bool {
    now >= before || are_same(before, now)
}

/// Whether a loss that left `before` rows some time ago is permanent. An import that is under way has more
/// rows the next time; after longer than any import takes, rows that came back do not make it a different
/// loss.
fn is_permanent(before: u64, now: u64, ago: TimeDelta) -> bool {
    are_same(before, now) || (now > before && ago >= IMPORT)
}

/// The civil date-time of a slot.
pub(in crate::refresh) fn slot(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").ok()
}

/// The verdict on a snapshot.
pub(super) struct Verdict {
    /// Counts to be stored.
    pub(super) counts: BTreeMap<String, SourceCount>,
    /// Why no table may be filled from it; `None` if they may.
    pub(super) held: Option<String>,
    /// Whether missing rows count as permanently lost from now on.
    pub(super) accepts_a_loss: bool,
}

fn reason(losses: &[(&str, SourceCount, u64)]) -> String {
    let losses: Vec<String> = losses
        .iter()
        .map(|(source, before, rows)| format!("{source} went from {} to {rows} rows", before.rows))
        .collect();
    format!(
        "the source lost suspiciously many rows: {}; the old entries are kept until `cachectl refresh --accept`, or \
         until two scheduled runs in a row find the same loss",
        losses.join(", ")
    )
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
