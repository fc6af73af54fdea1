//! The system clock is set back.

use cached_proto::message::{Reply, Request};
use cached_proto::verb::history::HistoryRequest;
use cached_proto::words::HealthLevel;
use cached_tests::vms::Other;
use chrono::TimeDelta;

use super::scene::rows;
use super::tamed::Tamed;

async fn slots(tamed: &Tamed) -> Vec<String> {
    match tamed.ask(Request::History(HistoryRequest { since_seconds: 10_000_000 })).await {
        Reply::History(history) => history.runs.into_iter().filter_map(|run| run.slot).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_is_reported_and_no_night_runs_twice() {
    use cached::clock::Clock as _;
    // 01:55 in Chicago: five minutes before the slot.
    let night = "2026-03-11T06:55:00Z";
    let tamed = Tamed::start(night, &[("watch", "enabled", "false")], None).await;
    tamed.pass(10).await;
    assert_eq!(slots(&tamed).await, ["2026-03-11 02:00"]);
    assert_eq!(tamed.health().await.health, HealthLevel::Healthy);
    let before = tokio::task::block_in_place(|| rows(&Other::open(&tamed.golden.database())));

    let at = tamed.clock.now();
    tamed.clock.set(at - TimeDelta::minutes(40));
    let reason = tamed.reason("clock_behind").await.unwrap();
    assert!(reason.message.contains("the system clock (2026-03-11 06:25:00 UTC) is earlier"), "{reason:?}");
    assert!(reason.message.contains("(2026-03-11 07:0"), "{reason:?}");
    assert!(reason.hint.contains("`timedatectl`"), "{reason:?}");
    let now = tokio::task::block_in_place(|| rows(&Other::open(&tamed.golden.database())));
    assert_eq!(now, before);

    // Entries with a timestamp in the future are renewed, and two o'clock comes a second time.
    tamed.pass(45).await;
    assert_eq!(slots(&tamed).await, ["2026-03-11 02:00"]);
    assert_eq!(tamed.reason("clock_behind").await, None);
    before.none_lost(&tokio::task::block_in_place(|| rows(&Other::open(&tamed.golden.database()))));
    assert_eq!(tamed.health().await.health, HealthLevel::Healthy);
}
