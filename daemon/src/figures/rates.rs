//! How often and how fast.

use cached_proto::verb::report::RefreshTimes;
use cached_proto::words::Outcome;

use super::{PastJob, PastRun};

/// How many jobs there were, and how they ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Jobs that were worked on.
    pub jobs: u64,
    /// Of those, the ones that ended well.
    pub good: u64,
    /// Share of those.
    pub success: Option<f64>,
    /// Share of jobs that failed.
    pub error: Option<f64>,
}

/// Counts jobs. Tables that are off, withheld, not there or wholly skipped do not count: a success that cannot fail
/// says nothing.
pub fn rates(jobs: &[PastJob]) -> Rates {
    let jobs: Vec<&PastJob> = jobs.iter().filter(|job| job.outcome.is_tried()).collect();
    let count = |is: fn(Outcome) -> bool| jobs.iter().filter(|job| is(job.outcome)).count();
    let good = count(Outcome::is_good);
    // A table that the guard holds is no success, but holding it is what the guard is for.
    let bad = count(|outcome| matches!(outcome, Outcome::Failed | Outcome::Disabled));
    let share = |part: usize| (!jobs.is_empty()).then(|| ratio(part, jobs.len()));
    Rates { jobs: jobs.len() as u64, good: good as u64, success: share(good), error: share(bad) }
}

/// How long runs took; none without runs. One that skipped every entry says nothing of how long a refresh takes.
pub fn times(runs: &[PastRun]) -> Option<RefreshTimes> {
    let refreshed = runs.iter().filter(|run| run.outcome != Some(Outcome::Skipped));
    let mut seconds: Vec<f64> = refreshed.map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let longest = *seconds.last()?;
    let average = seconds.iter().sum::<f64>() / ratio(seconds.len(), 1);
    Some(RefreshTimes { average, p50: percentile(&seconds, 50)?, p95: percentile(&seconds, 95)?, longest })
}

/// The nearest rank: the smallest value that so many hundredths do not exceed.
fn percentile(sorted: &[f64], hundredths: usize) -> Option<f64> {
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
