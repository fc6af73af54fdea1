//! Success rates and durations.

use cached_proto::verb::report::RefreshTimes;
use cached_proto::words::Outcome;

use super::{PastJob, PastRun};

/// Number of jobs, and shares by outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Jobs that were worked on.
    pub jobs: u64,
    /// Of those, the ones that ended well.
    pub good: u64,
    /// Share of jobs that ended well.
    pub success: Option<f64>,
    /// Share of jobs that failed.
    pub error: Option<f64>,
}

/// Counts jobs. Tables that are off, withheld, not present or skipped entirely do not count: a success that
/// cannot fail carries no information.
pub fn rates(jobs: &[PastJob]) -> Rates {
    let jobs: Vec<&PastJob> = jobs.iter().filter(|job| job.outcome.is_tried()).collect();
    let count = |is: fn(Outcome) -> bool| jobs.iter().filter(|job| is(job.outcome)).count();
    let good = count(Outcome::is_good);
    // A table held by the guard is not a success, but holding it is not an error either.
    let bad = count(|outcome| matches!(outcome, Outcome::Failed | Outcome::Disabled));
    let share = |part: usize| (!jobs.is_empty()).then(|| ratio(part, jobs.len()));
    Rates { jobs: jobs.len() as u64, good: good as u64, success: share(good), error: share(bad) }
}

/// Durations of runs; none without runs. A run that skipped every entry is ignored, since it does not show
/// how long a refresh takes.
pub fn times(runs: &[PastRun]) -> Option<RefreshTimes> {
    let refreshed = runs.iter().filter(|run| run.outcome != Some(Outcome::Skipped));
    let mut seconds: Vec<f64> = refreshed.map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let longest = *seconds.last()?;
    let average = seconds.iter().sum::<f64>() / ratio(seconds.len(), 1);
    Some(RefreshTimes { average, p50: percentile(&seconds, 50)?, p95: percentile(&seconds, 95)?, longest })
}

/// The nearest-rank percentile: the smallest value that at least `hundredths` per cent of the values do not
/// exceed.
fn percentile(sorted: &[f64], hundredths: usize) -> Option<f64> {
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
