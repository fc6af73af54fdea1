use super::*;

const LIMITS: LossLimits = LossLimits { max_loss: 0.6, min_rows: 50 };
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn known(rows: u64, suspect: Option<u64>) -> BTreeMap<String, SourceCount> {
    [(
        "event".to_owned(),
        SourceCount { rows, suspect: suspect.map(|rows| Suspect { rows, run: 1 }), taken: NOW },
    )]
    .into()
}

fn guard(occasion: Occasion, run: i64) -> Guard {
    Guard { limits: Some(LIMITS), occasion, run, slot: None }
}

/// The guard's verdict on `event` with `rows` rows: whether it is held, and what is stored.
fn judged(
    occasion: Occasion,
    known: &BTreeMap<String, SourceCount>,
    rows: u64,
) -> (bool, Option<(u64, Option<u64>)>) {
    let ages = [(1, TimeDelta::hours(24))].into();
    let verdict = guard(occasion, 2).judge(known, &[(Source::Event, rows)].into(), &ages, NOW);
    (
        verdict.held.is_some(),
        verdict.counts.get("event").map(|kept| (kept.rows, kept.suspect.map(|suspect| suspect.rows))),
    )
}

#[test]
fn a_run_is_held_by_what_it_lost_and_by_what_asked_for_it() {
    use Occasion::{Accepted, Other, Scheduled};
    for (what, occasion, before, now, held, kept) in [
        ("growth is good", Scheduled, (100, None), 120, false, Some((120, None))),
        ("the limit itself is no loss too many", Scheduled, (100, None), 40, false, Some((40, None))),
        ("one more is", Scheduled, (100, None), 39, true, Some((100, Some(39)))),
        ("a small table may lose most", Scheduled, (49, None), 1, false, Some((1, None))),
        ("but not all", Scheduled, (13, None), 0, true, Some((13, Some(0)))),
        ("what was empty is empty", Scheduled, (0, None), 0, false, Some((0, None))),
        ("a table that is large enough may not", Scheduled, (50, None), 0, true, Some((50, Some(0)))),
        ("the second night sees the same", Scheduled, (100, Some(30)), 30, false, Some((30, None))),
        ("nearly the same", Scheduled, (1000, Some(300)), 297, false, Some((297, None))),
        ("a row of few is a day's work", Scheduled, (100, Some(30)), 27, false, Some((27, None))),
        ("what grows by and by is no import", Scheduled, (100, Some(10)), 30, false, Some((30, None))),
        ("the second night sees something else", Scheduled, (100, Some(30)), 20, true, Some((100, Some(20)))),
        ("it comes back, and the suspicion ends", Scheduled, (100, Some(30)), 100, false, Some((100, None))),
        ("other runs are held and remember nothing", Other, (100, None), 30, true, None),
        ("other runs do not release", Other, (100, Some(30)), 30, true, None),
        ("other runs do not lower the mark", Other, (100, None), 60, false, Some((100, None))),
        ("other runs raise it", Other, (100, None), 160, false, Some((160, None))),
        ("somebody accepts it", Accepted, (100, None), 0, false, Some((0, None))),
    ] {
        assert_eq!(judged(occasion, &known(before.0, before.1), now), (held, kept), "{what}");
    }
}

#[test]
fn links_and_details_may_vanish_as_long_as_they_are_few() {
    for (rows, held) in [(49, false), (50, true)] {
        let before = SourceCount { rows, suspect: None, taken: NOW };
        let known = [("event_skills".to_owned(), before)].into();
        let seen = [(Source::EventSkills, 0)].into();
        let verdict = guard(Occasion::Scheduled, 2).judge(&known, &seen, &BTreeMap::new(), NOW);
        assert_eq!(verdict.held.is_some(), held, "{rows}");
    }
}

#[test]
fn the_first_snapshot_is_believed() {
    assert_eq!(judged(Occasion::Other, &BTreeMap::new(), 7), (false, Some((7, None))));
}

#[test]
fn a_guard_that_is_switched_off_believes_and_follows() {
    let off = Guard { limits: None, ..guard(Occasion::Scheduled, 2) };
    let verdict = off.judge(&known(100, Some(3)), &[(Source::Event, 0)].into(), &BTreeMap::new(), NOW);
    assert_eq!((verdict.held, verdict.counts["event"].rows), (None, 0));
}

#[test]
fn the_reason_names_every_table_with_both_counts() {
    let mut before = known(100, None);
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let seen = [(Source::Contact, 4), (Source::Event, 3)].into();
    let held = guard(Occasion::Other, 2).judge(&before, &seen, &BTreeMap::new(), NOW).held.unwrap();
    for part in ["contact went from 5000 to 4 rows", "event went from 100 to 3 rows", "refresh --accept"] {
        assert!(held.contains(part), "{held}");
    }
}

#[test]
fn one_table_alone_does_not_release_the_others() {
    let mut before = known(100, Some(30));
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let (seen, ages) = ([(Source::Contact, 4), (Source::Event, 30)].into(), [(1, TimeDelta::MAX)].into());
    assert!(guard(Occasion::Scheduled, 2).judge(&before, &seen, &ages, NOW).held.is_some());
}

/// What is stored of a loss after one more scheduled run, two hours later, that does not count as the second.
fn suspected(before: u64, now: u64, ages: &BTreeMap<i64, TimeDelta>) -> Option<(u64, i64)> {
    let seen = [(Source::Event, now)].into();
    let verdict = guard(Occasion::Scheduled, 2).judge(&known(1000, Some(before)), &seen, ages, NOW);
    let suspect = verdict.counts["event"].suspect;
    suspect.map(|suspect| (suspect.rows, suspect.run))
}

#[test]
fn a_loss_is_remembered_as_of_its_first_run_until_it_is_another_one() {
    let (early, too_early) = ([(1, TimeDelta::hours(2))].into(), BTreeMap::new());
    assert_eq!(suspected(100, 100, &early), None, "the same on two runs");
    assert_eq!(suspected(100, 100, &too_early), Some((100, 1)));
    assert_eq!(suspected(100, 180, &early), Some((180, 1)), "an import that goes on");
    assert_eq!(suspected(100, 50, &early), Some((50, 2)), "worse");
}

#[test]
fn two_runs_are_half_as_far_apart_as_their_slots_or_one() {
    let end = |at: &str| Some(at.parse().unwrap());
    let now: DateTime<Utc> = "2026-03-10T07:00:00Z".parse().unwrap();
    let guard = Guard { slot: slot("2026-03-10 02:00"), ..guard(Occasion::Scheduled, 2) };
    for (slot, ended, hours) in [
        (Some("2026-03-09 02:00"), end("2026-03-09T07:00:00Z"), Some(24)),
        (Some("2026-03-09 02:00"), end("2026-03-09T19:00:00Z"), Some(12)),
        (Some("2026-03-09 02:00"), end("2026-03-10T06:00:00Z"), None),
        (Some("2026-03-10 01:00"), end("2026-03-10T06:00:00Z"), Some(1)),
        (None, end("2026-03-10T06:00:00Z"), Some(1)),
        (Some("2026-03-09 02:00"), None, None),
        (Some("2026-03-09 02:00"), end("2026-03-10T08:00:00Z"), Some(0)),
    ] {
        let held = HeldRun { slot: slot.map(str::to_owned), ended };
        assert_eq!(guard.counts_since(&held, now), hours.map(TimeDelta::hours), "{held:?}");
    }
}
