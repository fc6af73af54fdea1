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
fn a_run_is_held_depending_on_its_loss_and_its_trigger() {
    use Occasion::{Accepted, Other, Scheduled};
    for (what, occasion, before, now, held, kept) in [
        ("growth is good", Scheduled, (100, None), 120, false, Some((120, None))),
        ("exactly the limit is allowed", Scheduled, (100, None), 40, false, Some((40, None))),
        ("one more row is too many", Scheduled, (100, None), 39, true, Some((100, Some(39)))),
        ("a small table may lose most", Scheduled, (49, None), 1, false, Some((1, None))),
        ("but not all", Scheduled, (13, None), 0, true, Some((13, Some(0)))),
        ("an empty table stays empty", Scheduled, (0, None), 0, false, Some((0, None))),
        ("a larger table may not lose all", Scheduled, (50, None), 0, true, Some((50, Some(0)))),
        ("the second night finds the same loss", Scheduled, (100, Some(30)), 30, false, Some((30, None))),
        ("nearly the same loss", Scheduled, (1000, Some(300)), 297, false, Some((297, None))),
        ("a few rows are a day's work", Scheduled, (100, Some(30)), 27, false, Some((27, None))),
        (
            "a source that slowly grows is not being imported",
            Scheduled,
            (100, Some(10)),
            30,
            false,
            Some((30, None)),
        ),
        ("the second night finds another loss", Scheduled, (100, Some(30)), 20, true, Some((100, Some(20)))),
        (
            "the rows come back, and the suspicion ends",
            Scheduled,
            (100, Some(30)),
            100,
            false,
            Some((100, None)),
        ),
        ("other runs are held and record nothing", Other, (100, None), 30, true, None),
        ("other runs do not release", Other, (100, Some(30)), 30, true, None),
        ("other runs do not lower the reference", Other, (100, None), 60, false, Some((100, None))),
        ("other runs raise it", Other, (100, None), 160, false, Some((160, None))),
        ("an operator accepts the loss", Accepted, (100, None), 0, false, Some((0, None))),
    ] {
        assert_eq!(judged(occasion, &known(before.0, before.1), now), (held, kept), "{what}");
    }
}

#[test]
fn a_small_table_of_links_or_details_may_become_empty() {
    for (rows, held) in [(49, false), (50, true)] {
        let before = SourceCount { rows, suspect: None, taken: NOW };
        let known = [("event_skills".to_owned(), before)].into();
        let found = [(Source::EventSkills, 0)].into();
        let verdict = guard(Occasion::Scheduled, 2).judge(&known, &found, &BTreeMap::new(), NOW);
        assert_eq!(verdict.held.is_some(), held, "{rows}");
    }
}

#[test]
fn the_first_snapshot_is_accepted() {
    assert_eq!(judged(Occasion::Other, &BTreeMap::new(), 7), (false, Some((7, None))));
}

#[test]
fn a_disabled_guard_accepts_any_loss_and_stores_the_counts() {
    let off = Guard { limits: None, ..guard(Occasion::Scheduled, 2) };
    let verdict = off.judge(&known(100, Some(3)), &[(Source::Event, 0)].into(), &BTreeMap::new(), NOW);
    assert_eq!((verdict.held, verdict.counts["event"].rows), (None, 0));
}

#[test]
fn the_reason_names_every_table_with_both_counts() {
    let mut before = known(100, None);
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let found = [(Source::Contact, 4), (Source::Event, 3)].into();
    let held = guard(Occasion::Other, 2).judge(&before, &found, &BTreeMap::new(), NOW).held.unwrap();
    for part in ["contact went from 5000 to 4 rows", "event went from 100 to 3 rows", "refresh --accept"] {
        assert!(held.contains(part), "{held}");
    }
}

#[test]
fn one_table_alone_does_not_release_the_others() {
    let mut before = known(100, Some(30));
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let (found, ages) = ([(Source::Contact, 4), (Source::Event, 30)].into(), [(1, TimeDelta::MAX)].into());
    assert!(guard(Occasion::Scheduled, 2).judge(&before, &found, &ages, NOW).held.is_some());
}

/// What is stored of a loss after one more scheduled run, two hours later, that does not count as the second.
fn suspected(before: u64, now: u64, ages: &BTreeMap<i64, TimeDelta>) -> Option<(u64, i64)> {
    let found = [(Source::Event, now)].into();
    let verdict = guard(Occasion::Scheduled, 2).judge(&known(1000, Some(before)), &found, ages, NOW);
    let suspect = verdict.counts["event"].suspect;
    suspect.map(|suspect| (suspect.rows, suspect.run))
}

#[test]
fn a_loss_keeps_the_time_of_its_first_run_until_it_becomes_another_one() {
    let (early, too_early) = ([(1, TimeDelta::hours(2))].into(), BTreeMap::new());
    assert_eq!(suspected(100, 100, &early), None, "the same loss in two runs");
    assert_eq!(suspected(100, 100, &too_early), Some((100, 1)));
    assert_eq!(suspected(100, 180, &early), Some((180, 1)), "an import that continues");
    assert_eq!(suspected(100, 50, &early), Some((50, 2)), "worse");
}

#[test]
fn two_runs_count_separately_only_if_they_are_at_least_half_as_far_apart_as_their_slots() {
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
