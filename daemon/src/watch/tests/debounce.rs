use std::time::Duration;

use proptest::prelude::*;

use crate::watch::{Debounce, Patience};

const PATIENCE: Patience = Patience { quiet: Duration::from_secs(30), max_delay: Duration::from_mins(5) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Polls each second until `until`; returns the times of the checks.
fn looks(moves: &[u64], until: u64, patience: Patience) -> Vec<u64> {
    let mut debounce = Debounce::default();
    let mut looks = Vec::new();
    for second in 0..until {
        if moves.contains(&second) {
            debounce.moved(at(second));
        }
        if debounce.is_due(at(second), patience) {
            debounce.settle();
            looks.push(second);
        }
    }
    looks
}

#[test]
fn it_waits_for_quiet_but_not_for_ever() {
    let storm: Vec<u64> = (0..700).collect();
    for (what, moves, expected) in [
        ("nothing moves", vec![], vec![]),
        ("one move", vec![10], vec![40]),
        ("a move restarts the wait", vec![10, 35], vec![65]),
        ("two changes far apart", vec![10, 100], vec![40, 130]),
        ("a storm", storm, vec![300, 601, 729]),
    ] {
        assert_eq!(looks(&moves, 1000, PATIENCE), expected, "{what}");
    }
    assert_eq!(looks(&[10, 11], 100, Patience { quiet: Duration::ZERO, ..PATIENCE }), [10, 11]);
}

#[test]
fn a_look_that_could_not_be_made_is_made_up_for() {
    let mut debounce = Debounce::default();
    assert!(debounce.moved(at(0)));
    assert!(!debounce.moved(at(1)), "only the first move is the first");
    assert!(debounce.is_due(at(31), PATIENCE));
    debounce.postpone(at(31));
    assert!(!debounce.is_due(at(60), PATIENCE));
    assert!(debounce.is_due(at(61), PATIENCE));
    debounce.settle();
    assert!(!debounce.is_due(at(10_000), PATIENCE));
    assert!(debounce.moved(at(10_000)));
}

proptest! {
    #[test]
    fn no_move_is_forgotten_and_looks_are_rare(
        mut moves in prop::collection::vec(0_u64..2000, 1..300),
        quiet in 0_u64..60,
        max_delay in 0_u64..400,
    ) {
        moves.sort_unstable();
        let patience = Patience { quiet: at(quiet), max_delay: at(max_delay) };
        let wait = quiet.min(max_delay);
        let looks = looks(&moves, 3000, patience);
        for moved in &moves {
            let latency = looks.iter().find(|look| *look >= moved).map(|look| look - moved);
            prop_assert!(latency.is_some_and(|latency| latency <= max_delay), "{moved}: {latency:?}");
        }
        for pair in looks.windows(2) {
            prop_assert!(pair[1] - pair[0] > wait.saturating_sub(1), "{pair:?}");
        }
        for look in &looks {
            let since = moves.iter().filter(|moved| *moved <= look).max();
            let first = looks.iter().filter(|before| *before < look).max();
            let first = moves.iter().find(|moved| first.is_none_or(|before| *moved > before));
            let (since, first) = (look - since.unwrap(), look - first.unwrap());
            prop_assert!(since >= quiet || first >= max_delay, "{look}: {since} {first}");
        }
    }
}
