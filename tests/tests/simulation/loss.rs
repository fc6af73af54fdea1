//! An independent model of the guard: whether a run may fill reports from a source that has lost most of its
//! participations.

use std::collections::{BTreeMap, BTreeSet};

use cached::jobs::Claimed;
use cached_proto::words::Trigger;
use chrono::{DateTime, NaiveDateTime, Utc};

/// As configured: smaller tables are not guarded, and no other table may lose more than this share.
const MIN_ROWS: i64 = 20;
const MAX_LOSS: f64 = 0.6;

#[derive(Debug, Default)]
pub(crate) struct LossWatch {
    /// Rows in the last accepted source; `None` before the first.
    mark: Option<i64>,
    /// Consecutive scheduled runs that saw the loss: their slots, and when they ran, unless the clock was set
    /// back since.
    lossy_runs: BTreeMap<i64, (Option<NaiveDateTime>, Option<DateTime<Utc>>)>,
    /// Runs that must not write anything.
    held: BTreeSet<i64>,
}

impl LossWatch {
    /// Sets the number of participations accepted so far.
    pub(crate) fn know(&mut self, rows: i64) {
        self.mark = Some(rows);
    }

    /// Records that the clock was set back: the distance between runs is unknown from then on.
    pub(crate) fn set_back(&mut self) {
        for (_, at) in self.lossy_runs.values_mut() {
            *at = None;
        }
    }

    /// Records that a run may write: it has read no participations.
    pub(crate) fn passed(&mut self, claimed: &Claimed) {
        self.held.remove(&claimed.run);
    }

    /// Records that a run has read this number of participations.
    pub(crate) fn began(&mut self, claimed: &Claimed, rows: i64, now: DateTime<Utc>) {
        self.passed(claimed);
        let scheduled = matches!(claimed.request.trigger, Trigger::Schedule | Trigger::CatchUp);
        if self.mark.is_some_and(|mark| is_lossy(mark, rows)) && !claimed.request.accept {
            let slot = claimed.request.slot.as_deref();
            let slot = slot.and_then(|slot| NaiveDateTime::parse_from_str(slot, "%Y-%m-%d %H:%M").ok());
            // A run that catches up shortly before the next slot sees the same import as that slot.
            let is_before = |(other, at): &(Option<NaiveDateTime>, Option<DateTime<Utc>>)| {
                let apart = slot.zip(*other).map(|(one, other)| (one - other).abs() / 2);
                at.zip(apart).is_none_or(|(at, apart)| now - at >= apart)
            };
            let settled = scheduled
                && self.lossy_runs.iter().any(|(&run, earlier)| run != claimed.run && is_before(earlier));
            if scheduled {
                self.lossy_runs.insert(claimed.run, (slot, Some(now)));
            }
            if !settled {
                self.held.insert(claimed.run);
                return;
            }
        }
        self.lossy_runs.clear();
        let highest = self.mark.map_or(rows, |mark| mark.max(rows));
        // If the daemon dies before it stores the mark, its mark is lower than assumed here, which is
        // harmless.
        self.mark = Some(if scheduled || claimed.request.accept { rows } else { highest });
    }

    pub(crate) fn is_held(&self, run: i64) -> bool {
        self.held.contains(&run)
    }
}

/// Returns whether this number of rows is too low, compared with the number accepted before.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn is_lossy(mark: i64, rows: i64) -> bool {
    mark >= MIN_ROWS && (rows as f64) < (mark as f64) * (1.0 - MAX_LOSS) - 0.001
}
