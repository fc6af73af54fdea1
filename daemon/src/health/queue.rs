//! Checks that runs in the queue make progress.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::health::Reason;
use cached_proto::words::Phase;
use chrono::{DateTime, TimeDelta};

use super::Seen;
use super::reason::{degraded, unhealthy};

/// How long a run may be claimable before its worker is considered dead.
const STUCK: TimeDelta = TimeDelta::minutes(5);

pub(super) fn stuck(seen: &Seen) -> Option<Reason> {
    // Runs and maintenance tasks exclude each other, so waiting is normal.
    if seen.current.is_some() || seen.maintains {
        return None;
    }
    // A run that waited for another one to end could not have been claimed earlier.
    let freed = seen.last.as_ref().and_then(|run| run.ended).map(Timestamp::to_utc);
    let since = freed.into_iter().fold(seen.claimable_since?, DateTime::max);
    (seen.now - since > STUCK).then(|| {
        let message = format!("runs wait since {} and nobody works on them", since.format("%F %T UTC"));
        let hint = "look at the log of cached, then `systemctl restart cached`; what is queued stays queued";
        unhealthy("queue_stuck", message, hint)
    })
}

/// Reports tables whose last attempt failed for a temporary reason.
pub(super) fn retrying(seen: &Seen) -> Option<Reason> {
    let mut waiting = seen.waiting.iter().filter(|job| job.phase == Phase::Queued).filter_map(|job| {
        let error = job.error.as_deref().filter(|_| !job.attempts.is_empty())?;
        Some((job, one_line(error)))
    });
    let (first, error) = waiting.next()?;
    let more = match waiting.count() {
        0 => String::new(),
        more => format!("; {more} more tables wait, too"),
    };
    let (table, attempts, database) = (first.table, first.attempts.len(), seen.database.display());
    let message =
        format!("{table} failed {attempts} times on {database} and is tried again soon: {error}{more}");
    let hint = "remove the cause, and it goes on by itself; `cachectl jobs --running` shows the jobs";
    Some(degraded("retrying", message, hint))
}

pub(super) fn slow(seen: &Seen) -> Option<Reason> {
    let run = seen.current.as_ref()?;
    let took = seen.now - run.started?.to_utc();
    (took > seen.target).then(|| {
        let (took, target) = (took.num_seconds(), seen.target.num_seconds());
        let message = format!("run {} works for {took} seconds; the target is {target}", run.id);
        degraded("run_slow", message, "`cachectl jobs --running` shows where it is")
    })
}
