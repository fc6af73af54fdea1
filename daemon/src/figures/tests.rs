use cached_proto::time::Timestamp;
use cached_proto::verb::report::{Readiness, RefreshTimes};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::state::ReadinessSample;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn job(table: Table, outcome: Outcome, minutes: i64, error: Option<&str>) -> PastJob {
    PastJob { table, outcome, ended: at(minutes), bytes: 100, error: error.map(str::to_owned) }
}

const TABLE: Table = Table::DiaEventsReportCache;
const OTHER: Table = Table::OrganizationDetailCache;

#[test]
fn rates_count_only_jobs_that_could_have_failed() {
    use Outcome::{Disabled, Failed, Guarded, NotApplicable, Off, Rebuilt, Skipped, Withheld};
    for (outcomes, jobs, good, success, error) in [
        (&[][..], 0, 0, None, None),
        (&[Off, NotApplicable, Withheld], 0, 0, None, None),
        (&[Skipped, Off], 0, 0, None, None),
        (&[Rebuilt, Off], 1, 1, Some(1.0), Some(0.0)),
        (&[Skipped, Failed], 1, 0, Some(0.0), Some(1.0)),
        (&[Rebuilt, Rebuilt, Failed, Disabled], 4, 2, Some(0.5), Some(0.5)),
        (&[Rebuilt, Guarded], 2, 1, Some(0.5), Some(0.0)),
    ] {
        let past: Vec<PastJob> = outcomes.iter().map(|&outcome| job(TABLE, outcome, 0, None)).collect();
        assert_eq!(rates(&past), Rates { jobs, good, success, error }, "{outcomes:?}");
    }
}

#[test]
fn times_are_those_of_full_runs_and_percentiles_are_actual_values() {
    let took = |seconds: &[f64]| {
        let runs: Vec<PastRun> =
            seconds.iter().map(|&seconds| PastRun { seconds, outcome: Some(Outcome::Rebuilt) }).collect();
        times(&runs)
    };
    assert_eq!(took(&[]), None);
    assert_eq!(times(&[PastRun { seconds: 0.1, outcome: Some(Outcome::Skipped) }]), None);
    assert_eq!(took(&[4.0]), Some(RefreshTimes { average: 4.0, p50: 4.0, p95: 4.0, longest: 4.0 }));
    assert_eq!(took(&[9.0, 1.0, 2.0]), Some(RefreshTimes { average: 4.0, p50: 2.0, p95: 9.0, longest: 9.0 }));
    let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
    let expected = RefreshTimes { average: 50.5, p50: 50.0, p95: 95.0, longest: 100.0 };
    assert_eq!(took(&hundred), Some(expected));
}

#[test]
fn errors_that_differ_only_in_numbers_are_one_group_with_the_newest_message() {
    let past = [
        job(TABLE, Outcome::Failed, 1, Some("row 7 was changed")),
        job(TABLE, Outcome::Rebuilt, 2, None),
        job(TABLE, Outcome::Failed, 3, Some("row 8123 was changed")),
        job(TABLE, Outcome::Failed, 4, Some("disk full")),
        job(OTHER, Outcome::Failed, 5, Some("row 9 was changed")),
        job(OTHER, Outcome::Guarded, 6, None),
    ];
    let found: Vec<(Table, u64, Timestamp, String)> = errors(&past)
        .into_iter()
        .map(|group| (group.table, group.count, group.last, group.message))
        .collect();
    let group = |table, count, minutes, message: &str| (table, count, at(minutes).into(), message.to_owned());
    assert_eq!(
        found,
        [
            group(TABLE, 2, 3, "row 8123 was changed"),
            group(OTHER, 1, 6, "no reason given"),
            group(OTHER, 1, 5, "row 9 was changed"),
            group(TABLE, 1, 4, "disk full"),
        ]
    );
}

#[test]
fn sizes_are_those_of_complete_generations() {
    let sized = |bytes, outcome| PastJob { bytes, ..job(TABLE, outcome, 0, None) };
    let past = [
        sized(0, Outcome::Withheld),
        sized(10, Outcome::Failed),
        sized(100, Outcome::Rebuilt),
        sized(300, Outcome::Mixed),
        sized(200, Outcome::Verified),
        sized(20, Outcome::Guarded),
    ];
    let trends: Vec<(u64, u64)> = sizes(&past).iter().map(|trend| (trend.first, trend.last)).collect();
    assert_eq!(trends, [(100, 200)]);
    assert!(sizes(&[]).is_empty());
}

fn taken(minutes: i64, accepted: u64) -> ReadinessSample {
    ReadinessSample { at: at(minutes), expected: 100, accepted }
}

#[test]
fn readiness_is_weighted_by_the_time_until_the_next_sample() {
    for (what, samples, share, covered) in [
        ("no sample, no share", vec![], None, 0.0),
        ("a sample of this instant has no weight yet", vec![taken(100, 100)], None, 0.0),
        (
            "a quarter of the time half of it",
            vec![taken(70, 50), taken(75, 100), taken(90, 100)],
            Some(0.9166),
            0.3,
        ),
        ("a gap is not filled by a guess", vec![taken(0, 100), taken(80, 0)], Some(0.6), 0.5),
        ("a sample from before the window counts within it", vec![taken(-10, 80)], Some(0.8), 0.2),
        ("a sample that expired before the window does not count", vec![taken(-30, 80)], None, 0.0),
    ] {
        let Readiness { share: found, covered: known, .. } = readiness(&samples, at(0), at(100));
        assert_eq!(found.is_some(), share.is_some(), "{what}: {found:?}");
        let close = |a: f64, b: f64| (a - b).abs() < 0.001;
        assert!(close(found.unwrap_or(0.0), share.unwrap_or(0.0)), "{what}: {found:?}");
        assert!(close(known, covered), "{what}: {known}");
    }
}

prop_compose! {
    fn samples()(mut minutes in prop::collection::vec(0_i64..2000, 1..40))
        (accepted in prop::collection::vec(0_u64..=100, minutes.len()), minutes in Just({ minutes.sort_unstable(); minutes.dedup(); minutes }))
        -> Vec<ReadinessSample> {
        minutes.into_iter().zip(accepted).map(|(minute, accepted)| taken(minute, accepted)).collect()
    }
}

proptest! {
    #[test]
    fn readiness_lies_between_the_worst_and_the_best_sample(samples in samples()) {
        let found = readiness(&samples, at(0), at(2100));
        let hundredths = |sample: &ReadinessSample| f64::from(u32::try_from(sample.accepted).unwrap());
        let worst = samples.iter().map(hundredths).fold(100.0, f64::min);
        let best = samples.iter().map(hundredths).fold(0.0, f64::max);
        let share = found.share.unwrap() * 100.0;
        prop_assert!(share >= worst - 1e-6 && share <= best + 1e-6, "{share}");
        prop_assert!((0.0..=1.0).contains(&found.covered));
    }

    #[test]
    fn a_repeated_sample_does_not_change_readiness(samples in samples(), index in any::<prop::sample::Index>()) {
        let position = index.index(samples.len());
        let copy = ReadinessSample { at: samples[position].at + TimeDelta::seconds(20), ..samples[position] };
        let mut more = samples.clone();
        more.insert(position + 1, copy);
        // The copy is valid for as long as any sample, so it changes nothing only if the next sample follows
        // within `HOLD`.
        prop_assume!(more.get(position + 2).is_some_and(|next| next.at - samples[position].at <= HOLD));
        let (before, after) = (readiness(&samples, at(0), at(2100)), readiness(&more, at(0), at(2100)));
        prop_assert!((before.share.unwrap() - after.share.unwrap()).abs() < 1e-9);
        prop_assert!((before.covered - after.covered).abs() < 1e-9);
    }

    #[test]
    fn readiness_of_two_halves_weighted_by_coverage_equals_the_whole(samples in samples(), cut in 1_i32..2099) {
        let whole = readiness(&samples, at(0), at(2100));
        let (left, right) = (readiness(&samples, at(0), at(cut.into())), readiness(&samples, at(cut.into()), at(2100)));
        let known = |part: &Readiness, minutes: i32| part.covered * f64::from(minutes);
        let sum = |part: &Readiness, minutes| part.share.unwrap_or(0.0) * known(part, minutes);
        let parts = sum(&left, cut) + sum(&right, 2100 - cut);
        prop_assert!((parts - sum(&whole, 2100)).abs() < 1e-6);
    }
}
