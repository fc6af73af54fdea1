use cached_proto::words::HealthLevel::{self, Degraded, Healthy, Unhealthy};

use crate::notify::level::{Settling, Told};

#[test]
fn only_changes_are_told_and_recovery_only_after_what_was_told() {
    // The judged level, whether its announcement would arrive, and the previous level if it is to be
    // announced.
    type Step = (HealthLevel, bool, Option<HealthLevel>);
    let stories: &[(HealthLevel, &[Step])] = &[
        (Healthy, &[(Healthy, true, None), (Healthy, true, None)]),
        (
            Healthy,
            &[(Degraded, true, Some(Healthy)), (Degraded, true, None), (Healthy, true, Some(Degraded))],
        ),
        (Healthy, &[(Degraded, true, Some(Healthy)), (Unhealthy, true, Some(Degraded))]),
        (Healthy, &[(Unhealthy, true, Some(Healthy)), (Degraded, true, Some(Unhealthy))]),
        // The announcement did not arrive: it is not repeated, and neither is the recovery announced.
        (Healthy, &[(Unhealthy, false, Some(Healthy)), (Unhealthy, true, None), (Healthy, true, None)]),
        // It is announced again when the level returns, and when it gets worse.
        (
            Healthy,
            &[(Unhealthy, false, Some(Healthy)), (Healthy, true, None), (Unhealthy, true, Some(Healthy))],
        ),
        (Healthy, &[(Degraded, false, Some(Healthy)), (Unhealthy, true, Some(Healthy))]),
        // The announcement of the recovery did not arrive, so the receiver still knows the old level.
        (Unhealthy, &[(Healthy, false, Some(Unhealthy)), (Healthy, true, None), (Unhealthy, true, None)]),
        // After a restart.
        (Unhealthy, &[(Unhealthy, true, None), (Healthy, true, Some(Unhealthy)), (Healthy, true, None)]),
    ];
    for (before, steps) in stories {
        let mut told = Told::new(*before);
        for (number, (level, arrives, expected)) in steps.iter().enumerate() {
            let due = told.due(*level);
            assert_eq!(due, *expected, "from {before}, {steps:?}, step {number}");
            match (due, arrives) {
                (Some(_), true) => told.arrived(*level),
                (Some(_), false) => told.give_up(*level),
                (None, _) => {}
            }
        }
    }
}

#[test]
fn a_changed_configuration_is_a_new_chance() {
    let mut told = Told::new(Healthy);
    told.give_up(Unhealthy);
    assert_eq!(told.due(Unhealthy), None);
    told.hope();
    assert_eq!(told.due(Unhealthy), Some(Healthy));
}

#[test]
fn what_is_worse_counts_when_it_lasts_or_follows_a_run() {
    // The judged level, whether it follows a run, and whether it counts.
    type Step = (HealthLevel, bool, bool);
    let stories: &[&[Step]] = &[
        &[(Healthy, false, true), (Healthy, true, true)],
        &[(Degraded, false, false), (Healthy, false, true), (Degraded, false, false)],
        &[(Degraded, false, false), (Degraded, false, true), (Degraded, false, true)],
        &[(Degraded, false, false), (Unhealthy, false, true)],
        &[(Unhealthy, true, true), (Degraded, false, true), (Unhealthy, false, false)],
        &[(Degraded, true, true), (Healthy, false, true)],
    ];
    for steps in stories {
        let mut settling = Settling::new();
        for (number, (level, after_run, counts)) in steps.iter().enumerate() {
            assert_eq!(settling.counts(*level, *after_run), *counts, "{steps:?}, step {number}");
        }
    }
}
