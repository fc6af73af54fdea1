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

/// What the guard says of `event` with so many rows: whether it is held, and what is remembered.
fn judged(
    occasion: Occasion,
    known: &BTreeMap<String, SourceCount>,
    rows: u64,
) -> (bool, Option<(u64, Option<u64>)>) {
    let verdict =
        Guard { limits: Some(LIMITS), occasion, run: 2 }.judge(known, &[("event", rows)].into(), NOW);
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
        ("a small table may vanish", Scheduled, (49, None), 0, false, Some((0, None))),
        ("a table that is large enough may not", Scheduled, (50, None), 0, true, Some((50, Some(0)))),
        ("the second night sees the same", Scheduled, (100, Some(30)), 30, false, Some((30, None))),
        ("nearly the same", Scheduled, (1000, Some(300)), 303, false, Some((303, None))),
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
fn the_first_snapshot_is_believed() {
    assert_eq!(judged(Occasion::Other, &BTreeMap::new(), 7), (false, Some((7, None))));
}

#[test]
fn a_guard_that_is_switched_off_believes_and_follows() {
    let off = Guard { limits: None, occasion: Occasion::Scheduled, run: 2 };
    let verdict = off.judge(&known(100, Some(3)), &[("event", 0)].into(), NOW);
    assert_eq!((verdict.held, verdict.counts["event"].rows), (None, 0));
}

#[test]
fn the_reason_names_every_table_with_both_counts() {
    let mut before = known(100, None);
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let guard = Guard { limits: Some(LIMITS), occasion: Occasion::Other, run: 2 };
    let held = guard.judge(&before, &[("contact", 4), ("event", 3)].into(), NOW).held.unwrap();
    for part in ["contact went from 5000 to 4 rows", "event went from 100 to 3 rows", "refresh --accept"] {
        assert!(held.contains(part), "{held}");
    }
}

#[test]
fn one_table_alone_does_not_release_the_others() {
    let mut before = known(100, Some(30));
    before.insert("contact".to_owned(), SourceCount { rows: 5000, suspect: None, taken: NOW });
    let guard = Guard { limits: Some(LIMITS), occasion: Occasion::Scheduled, run: 2 };
    assert!(guard.judge(&before, &[("contact", 4), ("event", 30)].into(), NOW).held.is_some());
}

#[test]
fn a_run_that_begins_anew_is_not_the_second_one() {
    let seen = known(100, Some(30));
    for (run, held) in [(1, true), (2, false)] {
        let guard = Guard { limits: Some(LIMITS), occasion: Occasion::Scheduled, run };
        assert_eq!(guard.judge(&seen, &[("event", 30)].into(), NOW).held.is_some(), held, "run {run}");
    }
}
