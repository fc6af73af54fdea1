//! Whether the queue moves.

use cached_proto::verb::health::Reason;
use cached_proto::words::Phase;
use chrono::TimeDelta;

use super::Seen;
use super::reason::{degraded, unhealthy};

/// A run that nobody has begun for so long waits for a worker that is not there.
const STUCK: TimeDelta = TimeDelta::minutes(5);

pub(super) fn stuck(seen: &Seen) -> Option<Reason> {
    if seen.current.is_some() {
        return None;
    }
    // A table that waits for its next attempt is not stuck.
    let queued = seen.waiting.iter().filter(|job| job.phase == Phase::Queued && job.attempts.is_empty());
    let since = queued.map(|job| job.queued.to_utc()).min()?;
    (seen.now - since > STUCK).then(|| {
        let message = format!("runs wait since {} and nobody works on them", since.format("%F %T UTC"));
        let hint = "look at the log of cached, then `systemctl restart cached`; what is queued stays queued";
        unhealthy("queue_stuck", message, hint)
    })
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
