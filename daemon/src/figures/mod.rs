//! Statistics of past runs, compared with the targets: for the verb `report`, the metrics and the pages.
//!
//! Everything here is a function of what [`load`] has read.

mod days;
mod history;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use cached_proto::lock::WriteLock;
use cached_proto::verb::report::{ErrorGroup, Readiness, RefreshTimes, SizeTrend};
use cached_proto::words::{Outcome, Table, TableState};
use chrono::{DateTime, TimeDelta, Utc};

use crate::jobs::counters::Measured;
use crate::refresh::survey::TableSurvey;
use crate::state::ReadinessSample;

pub use days::{DAYS, Day, MORNING, Recent, TableDay, recent};
pub use history::{FullRefreshes, full_refreshes, load, longest_lock};

/// Maximum number of error groups in a report; for more than that, the list of jobs is the better view.
const MOST_GROUPS: usize = 100;

/// How long a sample is valid. Beyond that, readiness is unknown, because the daemon was not running.
pub const HOLD: TimeDelta = TimeDelta::minutes(30);

/// The runs and jobs of a past time window, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The runs that ended in the window.
    pub runs: Vec<PastRun>,
    /// The jobs of these runs.
    pub jobs: Vec<PastJob>,
    /// How long these jobs held VMS's write lock.
    pub write_lock: WriteLock,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PastRun {
    /// Seconds of work.
    pub seconds: f64,
    /// The outcome of the run: that of its worst table.
    pub outcome: Option<Outcome>,
}

/// The job of one table in a run that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct PastJob {
    /// The table.
    pub table: Table,
    /// How it ended.
    pub outcome: Outcome,
    /// When its run ended.
    pub ended: DateTime<Utc>,
    /// Bytes of payload generated.
    pub bytes: u64,
    /// The error, one line.
    pub error: Option<String>,
}

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

/// Counts jobs. Tables that are off, withheld, absent or skipped entirely do not count: a success that
/// cannot fail carries no information.
pub fn rates(jobs: &[PastJob]) -> Rates {
    let jobs: Vec<&PastJob> = jobs.iter().filter(|job| job.outcome.is_tried()).collect();
    let count = |is: fn(Outcome) -> bool| jobs.iter().filter(|job| is(job.outcome)).count() as u64;
    let good = count(Outcome::is_good);
    // A table held by the guard is not a success, but holding it is not an error either.
    let bad = count(|outcome| matches!(outcome, Outcome::Failed | Outcome::Disabled));
    let all = jobs.len() as u64;
    let share = |part: u64| (all > 0).then(|| ratio(part, all));
    Rates { jobs: all, good, success: share(good), error: share(bad) }
}

/// Durations of runs; none without runs. A run that skipped every entry is ignored, since it does not show
/// how long a refresh takes.
pub fn times(runs: &[PastRun]) -> Option<RefreshTimes> {
    let refreshed = runs.iter().filter(|run| run.outcome != Some(Outcome::Skipped));
    let mut seconds: Vec<f64> = refreshed.map(|run| run.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let longest = *seconds.last()?;
    let average = seconds.iter().sum::<f64>() / ratio(seconds.len() as u64, 1);
    Some(RefreshTimes { average, p50: percentile(&seconds, 50)?, p95: percentile(&seconds, 95)?, longest })
}

/// The nearest-rank percentile: the smallest value that at least `hundredths` per cent of the values do not
/// exceed.
fn percentile(sorted: &[f64], hundredths: usize) -> Option<f64> {
    let rank = (sorted.len() * hundredths).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Groups errors by table, outcome and cause, the most frequent first, and no more than a hundred.
pub fn errors(jobs: &[PastJob]) -> Vec<ErrorGroup> {
    let mut groups: HashMap<(Table, Outcome, String), ErrorGroup> = HashMap::new();
    for job in jobs.iter().filter(|job| !job.outcome.is_good()) {
        let message = job.error.clone().unwrap_or_else(|| "no reason given".to_owned());
        let group = groups.entry((job.table, job.outcome, cause(&message))).or_insert_with(|| ErrorGroup {
            table: job.table,
            outcome: job.outcome,
            count: 0,
            last: job.ended.into(),
            message: String::new(),
        });
        group.count += 1;
        (group.last, group.message) = (job.ended.into(), message);
    }
    let mut groups: Vec<ErrorGroup> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        (Reverse(a.count), Reverse(a.last), a.table, &a.message).cmp(&(
            Reverse(b.count),
            Reverse(b.last),
            b.table,
            &b.message,
        ))
    });
    groups.truncate(MOST_GROUPS);
    groups
}

/// The message without its numbers: the same cause has another row and another count every night.
fn cause(message: &str) -> String {
    let mut cause = String::with_capacity(message.len());
    for c in message.chars() {
        if !c.is_ascii_digit() {
            cause.push(c);
        } else if !cause.ends_with('#') {
            cause.push('#');
        }
    }
    cause
}

/// First and last payload size of each table; `jobs` are in chronological order.
pub fn sizes(jobs: &[PastJob]) -> Vec<SizeTrend> {
    let mut sizes: BTreeMap<Table, SizeTrend> = BTreeMap::new();
    // A failed job generated only a part, and a job that was not worked on generated nothing.
    for job in jobs.iter().filter(|job| job.outcome.is_good() && job.bytes > 0) {
        let (table, first) = (job.table, job.bytes);
        let cache_type = table.cache_type();
        sizes.entry(table).or_insert(SizeTrend { cache_type, table, first, last: first }).last = job.bytes;
    }
    sizes.into_values().collect()
}

/// Makes a sample from a survey of the cache tables; none if no table is maintained.
pub fn sample(at: DateTime<Utc>, surveys: &[TableSurvey]) -> Option<ReadinessSample> {
    let judged = surveys.iter().filter(|survey| {
        !matches!(
            survey.state,
            TableState::Withheld | TableState::Off | TableState::NotApplicable | TableState::Disabled
        )
    });
    let (expected, accepted) = judged.fold((0, 0), |(expected, accepted), survey| {
        (expected + survey.audit.expected, accepted + survey.audit.accepted)
    });
    (expected > 0).then_some(ReadinessSample { at, expected, accepted })
}

/// The share of accepted entries from `since` to `until`. Each sample counts until the next one, but no
/// longer than [`HOLD`]. `samples` are in chronological order and may begin before the window.
pub fn readiness(samples: &[ReadinessSample], since: DateTime<Utc>, until: DateTime<Utc>) -> Readiness {
    let (mut known, mut accepted, mut used) = (0.0, 0.0, 0);
    for (index, sample) in samples.iter().enumerate() {
        let next = samples.get(index + 1).map_or(until, |next| next.at.min(until));
        let end = next.min(sample.at + HOLD);
        let seconds = (end - sample.at.max(since)).as_seconds_f64();
        if seconds > 0.0 && sample.expected > 0 {
            known += seconds;
            accepted += seconds * ratio(sample.accepted.min(sample.expected), sample.expected);
            used += 1;
        }
    }
    let window = (until - since).as_seconds_f64();
    Readiness {
        share: (known > 0.0).then(|| (accepted / known).clamp(0.0, 1.0)),
        covered: if window > 0.0 { (known / window).clamp(0.0, 1.0) } else { 0.0 },
        samples: used,
    }
}

/// The measurements that do not exceed a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The bound, inclusive.
    pub at_most: Duration,
    /// Cumulative count: includes the measurements of all smaller bounds, as metrics require.
    pub count: u64,
}

/// A histogram of all measurements, across restarts. Work whose process died is not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Buckets, smallest bound first.
    pub buckets: Vec<Bucket>,
    /// Number of measurements, including those above the largest bound.
    pub count: u64,
    /// Sum of all measured durations.
    pub total: Duration,
}

impl Histogram {
    /// Builds a histogram from the counters.
    pub fn of(counters: &BTreeMap<String, u64>, measured: Measured) -> Self {
        let counter = |name: &str| counters.get(name).copied().unwrap_or_default();
        let mut count: u64 = 0;
        let mut up_to = |bound| {
            count = count.saturating_add(counter(&measured.bucket(bound)));
            count
        };
        let buckets =
            measured.bounds().iter().map(|&at_most| Bucket { at_most, count: up_to(Some(at_most)) });
        let buckets = buckets.collect();
        let count = up_to(None);
        Self { buckets, count, total: Duration::from_micros(counter(&measured.micros())) }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
