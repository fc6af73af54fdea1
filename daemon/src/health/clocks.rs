//! Checks the system clock, which ages, slots and stamps depend on.

use cached_proto::time::Timestamp;
use cached_proto::verb::health::Reason;
use cached_proto::verb::history::Run;
use chrono::{DateTime, TimeDelta, Utc};

use super::Seen;
use super::reason::degraded;

/// Largest tolerated difference; the clocks of a well-kept machine differ by less.
const TOLERATED: TimeDelta = TimeDelta::minutes(5);

pub(super) fn behind(seen: &Seen) -> Option<Reason> {
    let runs = [&seen.last, &seen.current]
        .into_iter()
        .flatten()
        .filter_map(|run| newest(run).map(|at| (at, format!("run {}", run.id))));
    let stamps = seen
        .tables
        .iter()
        .flatten()
        .filter_map(|survey| Some((survey.audit.newest?, format!("an entry of {}", survey.table))));
    let (at, what) = runs.chain(stamps).max_by_key(|(at, _)| *at)?;
    (at > seen.now + TOLERATED).then(|| {
        let format = "%F %T UTC";
        let (now, at) = (seen.now.format(format), at.format(format));
        let message = format!("the clock shows {now}, but {what} is from {at}: one of them is wrong");
        let hint = "`timedatectl` shows whether the clock is right; once it is, `cachectl refresh --force` stamps \
                    all entries anew";
        degraded("clock_behind", message, hint)
    })
}

fn newest(run: &Run) -> Option<DateTime<Utc>> {
    let attempts = run.jobs.iter().flat_map(|job| &job.attempts);
    let attempts = attempts.flat_map(|attempt| [Some(attempt.started), attempt.ended]);
    [Some(run.queued), run.started, run.ended]
        .into_iter()
        .chain(attempts)
        .flatten()
        .max()
        .map(Timestamp::to_utc)
}
