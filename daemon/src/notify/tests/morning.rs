//! When the morning message is sent: once on each date, across restarts and clock changes.

use std::time::Duration;

use cached_proto::words::HealthLevel::{Degraded, Healthy};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Answer, Receiver, Rig, config};
use crate::clock::Clock as _;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A notifier and the server that its messages go to.
struct Days {
    rig: Rig,
    receiver: Receiver,
}

impl Days {
    /// Starts at an instant, with the morning message at a time of day in Chicago.
    async fn from(begin: &str, morning: &str) -> Self {
        let receiver = Receiver::always(Answer::Status(200)).await;
        let mut rig = Rig::new(&[]).await;
        rig.stop().await;
        rig.clock.set(instant(begin));
        let mut days = Self { rig, receiver };
        days.set(morning);
        days.rig.start().await;
        days
    }

    /// Sets the time of day; an empty one switches the message off.
    fn set(&self, morning: &str) {
        let webhook = self.receiver.url("/hook");
        self.rig.configs.send_replace(config(&[("webhook", &*webhook), ("morning", morning)]));
    }

    /// Lets the time pass in minutes, and returns when which messages arrived: `10T08:00 summary`.
    async fn until(&mut self, end: &str) -> Vec<String> {
        let end = instant(end);
        let mut arrived = Vec::new();
        while self.rig.clock.now() < end {
            // The evaluation of health, and the wait for the morning.
            self.rig.clock.sleeping(2).await;
            let step = (end - self.rig.clock.now()).min(TimeDelta::minutes(1));
            self.rig.clock.advance(step.to_std().unwrap());
            self.rig.clock.sleeping(2).await;
            arrived.extend(self.arrived());
        }
        arrived
    }

    fn arrived(&mut self) -> Vec<String> {
        let at = self.rig.clock.now().with_timezone(&chrono_tz::America::Chicago).format("%dT%H:%M");
        let requests = std::iter::from_fn(|| self.receiver.next_now());
        let messages = requests.map(|request| request.json()).filter(|json| json["summary"].is_string());
        messages
            .map(|json| {
                let late = json["details"][0].as_str().map(|late| format!(" ({late})")).unwrap_or_default();
                format!(
                    "{at} {} {}{late}",
                    json["state"].as_str().unwrap(),
                    json["summary"].as_str().unwrap()
                )
            })
            .collect()
    }
}

#[tokio::test]
async fn every_morning_has_one_message_and_a_bad_one_says_what_is_wrong() {
    let mut days = Days::from("2026-03-10T11:00:00Z", "08:00").await;
    let fresh = "healthy All 9 tables are fresh";
    assert_eq!(days.until("2026-03-11T11:00:00Z").await, [format!("10T08:00 {fresh}")]);
    days.rig.is(Degraded);
    "1 of 9 tables is stale".clone_into(&mut days.rig.summary.lock().unwrap());
    assert_eq!(days.until("2026-03-12T11:00:00Z").await, ["11T08:00 degraded 1 of 9 tables is stale"]);
    days.rig.is(Healthy);
    "All 9 tables are fresh".clone_into(&mut days.rig.summary.lock().unwrap());
    assert_eq!(days.until("2026-03-13T12:00:00Z").await, [format!("12T08:00 {fresh}")]);
    assert_eq!(days.until("2026-03-14T04:00:00Z").await, [format!("13T08:00 {fresh}")]);
}

#[tokio::test]
async fn on_days_with_a_clock_change_the_civil_time_counts() {
    for (begin, end, zone_hours) in [
        // 08:00 is 14:00 UTC before the change, 13:00 UTC after it.
        ("2026-03-07T12:00:00Z", "2026-03-10T05:00:00Z", ["07T08:00", "08T08:00", "09T08:00"]),
        ("2026-10-31T11:00:00Z", "2026-11-03T06:00:00Z", ["31T08:00", "01T08:00", "02T08:00"]),
    ] {
        let mut days = Days::from(begin, "08:00").await;
        let expected = zone_hours.map(|at| format!("{at} healthy All 9 tables are fresh"));
        assert_eq!(days.until(end).await, expected);
    }
}

#[tokio::test]
async fn a_time_that_the_clock_skips_or_shows_twice_makes_one_message() {
    for (time, begin, end, expected) in [
        ("02:30", "2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", ["08T03:00", "09T02:30"]),
        ("01:30", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z", ["01T01:30", "02T01:30"]),
    ] {
        let mut days = Days::from(begin, time).await;
        let arrived = days.until(end).await;
        let when: Vec<&str> = arrived.iter().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(when, expected, "{time}");
    }
}

#[tokio::test]
async fn a_morning_during_which_the_daemon_was_stopped_is_made_up_for_on_the_same_date_only() {
    let mut days = Days::from("2026-03-10T11:00:00Z", "08:00").await;
    assert_eq!(days.until("2026-03-10T14:00:00Z").await.len(), 1);
    // Stopped over 08:00, and started again at noon and once more at 13:00: late, and once.
    days.rig.stop().await;
    days.rig.clock.set(instant("2026-03-11T17:00:00Z"));
    days.rig.start().await;
    let late = "11T12:01 healthy All 9 tables are fresh (This message was due Wed 11 Mar 08:00 CDT)";
    assert_eq!(days.until("2026-03-11T17:01:00Z").await, [late]);
    days.rig.stop().await;
    days.rig.clock.set(instant("2026-03-11T18:00:00Z"));
    days.rig.start().await;
    assert_eq!(days.until("2026-03-12T04:00:00Z").await, [""; 0]);
    // Stopped for a whole day: that one is over.
    days.rig.stop().await;
    days.rig.clock.set(instant("2026-03-13T11:00:00Z"));
    days.rig.start().await;
    assert_eq!(days.until("2026-03-13T20:00:00Z").await, ["13T08:00 healthy All 9 tables are fresh"]);
}

#[tokio::test]
async fn a_restart_at_any_minute_around_the_time_sends_no_second_message() {
    let mut days = Days::from("2026-03-10T12:50:00Z", "08:00").await;
    let mut arrived = Vec::new();
    for minute in 51..60 {
        arrived.extend(days.until(&format!("2026-03-10T12:{minute}:30Z")).await);
        days.rig.stop().await;
        days.rig.start().await;
    }
    for minute in 0..10 {
        arrived.extend(days.until(&format!("2026-03-10T13:0{minute}:30Z")).await);
        days.rig.stop().await;
        days.rig.start().await;
    }
    assert_eq!(arrived, ["10T08:00 healthy All 9 tables are fresh"]);
}

#[tokio::test]
async fn a_reload_changes_the_time_and_sends_nothing_for_one_that_has_passed() {
    let mut days = Days::from("2026-03-10T11:00:00Z", "08:00").await;
    assert_eq!(days.until("2026-03-10T13:30:00Z").await.len(), 1);
    // Later on the same date: not a second time.
    days.set("09:00");
    assert_eq!(days.until("2026-03-10T20:00:00Z").await, [""; 0]);
    assert_eq!(days.until("2026-03-11T13:30:00Z").await, [""; 0]);
    // 08:00 has passed: it counts from tomorrow.
    days.set("08:00");
    assert_eq!(days.until("2026-03-11T20:00:00Z").await, [""; 0]);
    assert_eq!(days.until("2026-03-12T20:00:00Z").await.len(), 1);
}

#[tokio::test]
async fn a_message_that_is_switched_on_after_its_time_begins_on_the_next_date() {
    let mut days = Days::from("2026-03-10T15:00:00Z", "").await;
    days.rig.clock.sleeping(1).await;
    days.set("08:00");
    assert_eq!(days.until("2026-03-11T12:00:00Z").await, [""; 0]);
    assert_eq!(days.until("2026-03-11T20:00:00Z").await, ["11T08:00 healthy All 9 tables are fresh"]);
}

#[tokio::test]
async fn a_failing_receiver_of_the_morning_message_is_retried_and_then_given_up_for_that_day() {
    let mut receiver = Receiver::new(|n| Answer::Status(if n < 3 { 500 } else { 200 })).await;
    let settings = [("webhook", &*receiver.url("/")), ("morning", "08:00")];
    let mut rig = Rig::new(&[]).await;
    rig.stop().await;
    rig.clock.set(instant("2026-03-10T12:59:00Z"));
    rig.configs.send_replace(config(&settings));
    rig.start().await;
    for _ in 0..3 {
        let at = receiver.next_while(rig.second()).await.json()["at"].as_str().unwrap().to_owned();
        assert!(at.starts_with("2026-03-10T13:00:"), "{at}");
    }
    let next = receiver.next_while(|| rig.clock.advance(Duration::from_mins(1))).await.json();
    assert!(next["at"].as_str().unwrap().starts_with("2026-03-11T"), "{next}");
}
