//! What the guard may let pass, told apart from outside: whether a run may fill reports from a source that has lost
//! most of its participations.

use std::collections::BTreeSet;

use cached::queue::Claimed;
use cached::reports::report;
use cached::snapshot::Source;
use cached_proto::words::Trigger;

/// As configured: a smaller table may lose what it likes, and no table more than this share.
const MIN_ROWS: i64 = 20;
const MAX_LOSS: f64 = 0.6;

#[derive(Debug, Default)]
pub(crate) struct LossWatch {
    /// Rows in the last source that was believed; none before the first.
    mark: Option<i64>,
    /// Scheduled runs in a row that saw the loss.
    seen: BTreeSet<i64>,
    /// Runs that must not write anything.
    held: BTreeSet<i64>,
}

impl LossWatch {
    /// So many participations were believed before.
    pub(crate) fn know(&mut self, rows: i64) {
        self.mark = Some(rows);
    }

    /// A run has read so many participations.
    pub(crate) fn began(&mut self, claimed: &Claimed, rows: i64) {
        let reads = |table| report(table).is_some_and(|r| r.sources().contains(&Source::EventParticipation));
        self.held.remove(&claimed.run);
        if !claimed.jobs.iter().any(|&(_, table)| reads(table)) {
            return;
        }
        let scheduled = matches!(claimed.trigger, Trigger::Schedule | Trigger::CatchUp);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let lost = |mark: i64| mark >= MIN_ROWS && (rows as f64) < (mark as f64) * (1.0 - MAX_LOSS) - 0.001;
        if self.mark.is_some_and(lost) && !claimed.accept {
            let settled = scheduled && self.seen.iter().any(|&run| run != claimed.run);
            if scheduled {
                self.seen.insert(claimed.run);
            }
            if !settled {
                self.held.insert(claimed.run);
                return;
            }
        }
        self.seen.clear();
        let highest = self.mark.map_or(rows, |mark| mark.max(rows));
        // Should the daemon die before it remembers, it believes less than is assumed here, which nobody minds.
        self.mark = Some(if scheduled || claimed.accept { rows } else { highest });
    }

    pub(crate) fn is_held(&self, run: i64) -> bool {
        self.held.contains(&run)
    }
}
