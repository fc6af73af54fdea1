use cached_proto::words::{Outcome, Trigger};

use super::receiver::{Answer, Receiver};
use super::rig::Rig;

#[tokio::test]
async fn scheduled_runs_are_told_from_start_to_end_in_order_and_others_are_not() {
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
async fn a_signal_that_fails_is_repeated_unless_there_is_newer_news() {
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
async fn the_end_of_a_run_is_told_even_when_the_daemon_stops_with_it() {
    let mut receiver = Receiver::always(Answer::Status(200)).await;
    let mut rig = Rig::new(&[("ping_url", &receiver.url("/uuid"))]).await;
    rig.begins(Trigger::Schedule);
    rig.ends(Trigger::Schedule, Outcome::Rebuilt);
    rig.stop().await;
    assert_eq!(receiver.next().await.line, "GET /uuid/start");
    assert_eq!(receiver.next().await.line, "GET /uuid");
}
