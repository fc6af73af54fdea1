//! Readiness: the share of entries VMS asks for that were available, weighted by time.

use cached_proto::verb::report::Readiness;
use cached_proto::words::TableState;
use chrono::{DateTime, TimeDelta, Utc};

use crate::refresh::survey::TableSurvey;
use crate::state::ReadinessSample;

/// How long a sample is valid. Beyond that, readiness is unknown, because the daemon was not running.
pub const HOLD: TimeDelta = TimeDelta::minutes(30);

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
            accepted += seconds * share(sample);
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

#[expect(clippy::cast_precision_loss, reason = "numbers of entries are far below 2^52")]
fn share(sample: &ReadinessSample) -> f64 {
    sample.accepted.min(sample.expected) as f64 / sample.expected as f64
}
