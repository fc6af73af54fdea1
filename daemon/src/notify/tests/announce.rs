//! What is announced, when, and to whom.

use std::time::Duration;

use cached_proto::words::HealthLevel::{self, Degraded, Healthy, Unhealthy};
use cached_proto::words::{Outcome, Trigger};

use super::{Answer, Receiver};
use super::{Rig, config};
use crate::notify::Machine;
use crate::notify::announcer::Announced;
use crate::notify::health_monitor::Settling;

#[test]
fn a_notice_comes_from_the_host_and_from_the_instance_if_it_has_a_name() {
    let host = |instance: &str| Machine::of(&instance.parse().unwrap()).host;
    let (north, host) = (host("north"), host(""));
    assert!(!host.is_empty() && !host.contains('/'), "{host}");
    assert_eq!(north, format!("{host}/north"));
}

#[tokio::test]
async fn a_change_of_health_is_announced_over_every_channel() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mail");
    let command = format!("/bin/sh -c 'cat >> \"$1\"' sh \"{}\"", file.display());
    let mut rig = Rig::new(&[("webhook", &receiver.url("/hook")), ("command", &command)]).await;
    rig.ran(Unhealthy);
    insta::assert_snapshot!(receiver.next().await.json().to_string().replace(env!("CARGO_PKG_VERSION"), "V"), @r#"{"state":"unhealthy","previous":"healthy","reasons":[{"code":"database_unreachable","message":"no such file: a\\nb\\u{202e}","hint":"run `cached check`"}],"host":"vps1","at":"2026-03-10T17:00:00Z","version":"V"}"#);
    rig.remembers("command", Unhealthy).await;
    rig.ran(Healthy);
    let over = receiver.next().await.json();
    assert_eq!((&over["state"], &over["previous"]), (&"healthy".into(), &"unhealthy".into()));
    rig.remembers("command", Healthy).await;
    let mail = std::fs::read_to_string(file).unwrap();
    insta::assert_snapshot!(mail.replace(env!("CARGO_PKG_VERSION"), "V"), @r"
    cached on vps1: unhealthy (before: healthy) at 2026-03-10T17:00:00Z, version V
    database_unreachable: no such file: a\nb\u{202e} | to do: run `cached check`
    cached on vps1: healthy (before: unhealthy) at 2026-03-10T17:00:00Z, version V
    ");
}

#[tokio::test]
async fn a_problem_at_two_evaluations_is_announced_and_at_one_is_not() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let rig = Rig::new(&[("webhook", &receiver.url("/"))]).await;
    rig.clock.sleeping(1).await;
    rig.is(Degraded);
    let request = receiver.next_while(rig.second()).await.json();
    assert_eq!(request["state"], "degraded");
    // Two evaluations, a minute apart.
    let at = request["at"].as_str().unwrap();
    assert!(at >= "2026-03-10T17:02:00Z", "{at}");
}

#[tokio::test]
async fn a_failing_receiver_is_retried_and_then_given_up() {
    let mut receiver = Receiver::new(|n| Answer::Status(if n < 3 { 500 } else { 200 })).await;
    let mut rig = Rig::new(&[("webhook", &receiver.url("/"))]).await;
    rig.ran(Unhealthy);
    assert_eq!(receiver.next().await.json()["state"], "unhealthy");
    for _ in 0..2 {
        assert_eq!(receiver.next_while(rig.second()).await.json()["state"], "unhealthy");
    }
    rig.clock.sleeping(1).await;
    rig.clock.advance(Duration::from_hours(1));
    // The problem was never announced, so neither is its end; the next problem is.
    rig.ran(Healthy);
    rig.ran(Degraded);
    let next = receiver.next_while(rig.second()).await.json();
    assert_eq!((&next["state"], &next["previous"]), (&"degraded".into(), &"healthy".into()));
}

#[tokio::test]
async fn a_problem_that_ends_before_its_announcement_arrives_is_not_announced() {
    let mut receiver = Receiver::new(|n| Answer::Status(if n < 1 { 500 } else { 200 })).await;
    let mut rig = Rig::new(&[("webhook", &receiver.url("/"))]).await;
    rig.ran(Unhealthy);
    assert_eq!(receiver.next().await.json()["state"], "unhealthy");
    rig.ran(Healthy);
    rig.ran(Degraded);
    assert_eq!(receiver.next_while(rig.second()).await.json()["state"], "degraded");
}

#[tokio::test]
async fn after_a_restart_only_changes_since_the_last_announcement_are_announced() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("webhook", &receiver.url("/"))]).await;
    rig.ran(Unhealthy);
    assert_eq!(receiver.next().await.json()["state"], "unhealthy");
    rig.remembers("webhook", Unhealthy).await;
    rig.stop().await;
    rig.start().await;
    rig.ran(Unhealthy);
    rig.clock.sleeping(1).await;
    rig.clock.advance(Duration::from_mins(1));
    rig.clock.sleeping(1).await;
    rig.ran(Healthy);
    let next = receiver.next().await.json();
    assert_eq!((&next["state"], &next["previous"]), (&"healthy".into(), &"unhealthy".into()));
}

#[tokio::test]
async fn a_failed_announcement_is_retried_at_once_after_a_reload() {
    let mut broken = Receiver::always(Answer::Status(404)).await;
    let mut good = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("webhook", &broken.url("/"))]).await;
    rig.ran(Unhealthy);
    for _ in 0..3 {
        broken.next_while(rig.second()).await;
    }
    rig.configs.send_replace(config(&[("webhook", &good.url("/"))]));
    assert_eq!(good.next_while(rig.second()).await.json()["state"], "unhealthy");
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_neither_the_other_channels_nor_the_end() {
    let mut hanging = Receiver::always(Answer::Never).await;
    let mut switch = Receiver::always(Answer::Status(200)).await;
    let settings = [
        ("webhook", &*hanging.url("/")),
        ("ping_url", &*switch.url("/uuid")),
        ("command", "/bin/true"),
        ("timeout", "10m"),
    ];
    let mut rig = Rig::new(&settings).await;
    rig.is(Unhealthy);
    rig.begins(Trigger::Schedule);
    rig.ends(Trigger::Schedule, Outcome::Failed);
    hanging.next().await;
    rig.remembers("command", Unhealthy).await;
    assert_eq!(switch.next().await.line, "GET /uuid/start");
    assert_eq!(switch.next().await.line, "GET /uuid/fail");
    rig.stop().await;
}

#[tokio::test]
async fn a_hanging_dead_mans_switch_does_not_delay_the_stop() {
    let mut hanging = Receiver::always(Answer::Never).await;
    let mut rig = Rig::new(&[("ping_url", &*hanging.url("/")), ("timeout", "10m")]).await;
    rig.begins(Trigger::Schedule);
    hanging.next().await;
    let clock = rig.clock.clone();
    let pass = async {
        // The time to stop, beside the next check whether a channel is configured.
        clock.sleeping(2).await;
        clock.advance(Duration::from_secs(5));
    };
    tokio::join!(rig.stop(), pass);
}

#[tokio::test]
async fn a_channel_removed_between_two_attempts_counts_as_not_announced() {
    let mut broken = Receiver::always(Answer::Status(500)).await;
    let mut good = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("webhook", &broken.url("/"))]).await;
    rig.ran(Unhealthy);
    assert_eq!(broken.next().await.json()["state"], "unhealthy");
    // The pause before the second attempt, beside that before the next evaluation.
    rig.clock.sleeping(2).await;
    rig.configs.send_replace(config(&[]));
    rig.clock.advance(Duration::from_hours(1));
    // Whether a channel is configured is checked again in a minute; nothing else is under way.
    rig.clock.sleeping(1).await;
    rig.configs.send_replace(config(&[("webhook", &good.url("/"))]));
    let notice = good.next_while(rig.second()).await.json();
    assert_eq!((&notice["state"], &notice["previous"]), (&"unhealthy".into(), &"healthy".into()));
}

#[tokio::test]
async fn a_channel_configured_after_a_recovery_is_not_sent_the_old_level() {
    let mut broken = Receiver::always(Answer::Status(500)).await;
    let mut good = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("webhook", &broken.url("/"))]).await;
    rig.ran(Unhealthy);
    assert_eq!(broken.next().await.json()["state"], "unhealthy");
    rig.clock.sleeping(2).await;
    rig.configs.send_replace(config(&[]));
    rig.clock.advance(Duration::from_hours(1));
    rig.clock.sleeping(1).await;
    rig.is(Healthy);
    rig.configs.send_replace(config(&[("webhook", &good.url("/"))]));
    // The next evaluation finds it healthy, which was never announced as anything else.
    rig.clock.sleeping(1).await;
    rig.ran(Degraded);
    let notice = good.next_while(rig.second()).await.json();
    assert_eq!((&notice["state"], &notice["previous"]), (&"degraded".into(), &"healthy".into()));
}

#[tokio::test]
async fn scheduled_runs_signal_start_and_end_in_order_and_other_runs_signal_nothing() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("ping_url", &receiver.url("/uuid"))]).await;
    for (trigger, outcome) in [
        (Trigger::Manual, Outcome::Rebuilt),
        (Trigger::Schedule, Outcome::Rebuilt),
        (Trigger::Watch, Outcome::Failed),
        (Trigger::CatchUp, Outcome::Failed),
        (Trigger::TopUp, Outcome::Rebuilt),
        (Trigger::Schedule, Outcome::Withheld),
    ] {
        rig.begins(trigger);
        rig.ends(trigger, outcome);
    }
    for line in ["/uuid/start", "/uuid", "/uuid/start", "/uuid/fail", "/uuid/start", "/uuid"] {
        assert_eq!(receiver.next().await.line, format!("GET {line}"));
    }
}

#[tokio::test]
async fn a_failed_signal_is_repeated_unless_a_newer_signal_waits() {
    let mut receiver = Receiver::new(|n| Answer::Status(if n < 3 { 500 } else { 200 })).await;
    let mut rig = Rig::new(&[("ping_url", &receiver.url("/uuid"))]).await;
    let second = rig.second();
    rig.begins(Trigger::Schedule);
    assert_eq!(receiver.next().await.line, "GET /uuid/start");
    assert_eq!(receiver.next_while(&second).await.line, "GET /uuid/start");
    rig.ends(Trigger::Schedule, Outcome::Rebuilt);
    // The start signal is repeated once at most.
    let mut lines = vec![receiver.next_while(&second).await.line, receiver.next_while(&second).await.line];
    lines.dedup();
    assert_eq!(lines.last().unwrap(), "GET /uuid");
}

#[tokio::test]
async fn the_end_of_a_run_is_signalled_even_when_the_daemon_stops_with_it() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("ping_url", &receiver.url("/uuid"))]).await;
    rig.begins(Trigger::Schedule);
    rig.ends(Trigger::Schedule, Outcome::Rebuilt);
    rig.stop().await;
    assert_eq!(receiver.next().await.line, "GET /uuid/start");
    assert_eq!(receiver.next().await.line, "GET /uuid");
}

#[test]
fn a_level_is_due_when_it_differs_from_the_last_one_that_arrived() {
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
        let mut announced = Announced::new(*before);
        for (number, (level, arrives, expected)) in steps.iter().enumerate() {
            let due = announced.due(*level);
            assert_eq!(due, *expected, "from {before}, {steps:?}, step {number}");
            match (due, arrives) {
                (Some(_), true) => announced.arrived(*level),
                (Some(_), false) => announced.give_up(*level),
                (None, _) => {}
            }
        }
    }
}

#[test]
fn a_changed_configuration_makes_a_failed_level_due_again() {
    let mut announced = Announced::new(Healthy);
    announced.give_up(Unhealthy);
    assert_eq!(announced.due(Unhealthy), None);
    announced.allow_retry();
    assert_eq!(announced.due(Unhealthy), Some(Healthy));
}

#[test]
fn a_worse_level_counts_at_the_second_evaluation_or_after_a_run() {
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
