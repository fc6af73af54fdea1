//! Nights with clocks that are set, machines that sleep, and daemons that are restarted: no night runs
//! twice, and none is skipped.

use std::collections::HashMap;

use cached_proto::words::SchedulerState;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::*;
use super::{Daemon, chicago, schedule};
use crate::clock::Clock;

/// An event in the life of a daemon.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Minutes pass, and the loop ticks at the end of each quarter of an hour.
    Pass(i64),
    /// The machine sleeps for minutes, and ticks on waking.
    Sleep(i64),
    /// The clock is set by this many minutes.
    Step(i64),
    /// The daemon is down for minutes.
    Down(i64),
    /// `stop-scheduler`
    Stop,
    /// `start-scheduler`
    Start,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..3000_i64).prop_map(Happening::Pass),
        1 => (1..4000_i64).prop_map(Happening::Sleep),
        1 => (-3000..3000_i64).prop_map(Happening::Step),
        1 => (1..4000_i64).prop_map(Happening::Down),
        1 => Just(Happening::Stop),
        1 => Just(Happening::Start),
    ]
}

struct Story {
    daemon: Option<Daemon>,
    time: &'static str,
    /// Slots that came while the daemon and its scheduler were running on a machine that was awake, under a
    /// clock that had never been ahead.
    must_run: Vec<String>,
    /// The latest time that the clock has ever shown.
    furthest: DateTime<Utc>,
    running: bool,
}

impl Story {
    async fn new(begin: &str, time: &'static str) -> Self {
        let daemon = Daemon::eager(begin, schedule(time, 24)).await;
        let furthest = daemon.clock.now();
        Self { daemon: Some(daemon), time, must_run: Vec::new(), furthest, running: true }
    }

    fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().unwrap()
    }

    async fn go(&mut self, minutes: i64) {
        let clock = std::sync::Arc::clone(&self.daemon().clock);
        let before = clock.now();
        clock.set(before + TimeDelta::minutes(minutes));
        if minutes > 0 && before >= self.furthest && self.running {
            let schedule = schedule(self.time, 24);
            let fires = schedule.fires_after(before, 8);
            self.must_run.extend(fires.iter().rfind(|f| f.at <= clock.now()).map(|f| slot_text(f.slot)));
        }
        self.daemon().ticker.tick().await.unwrap();
        self.furthest = self.furthest.max(clock.now());
    }

    async fn apply(&mut self, happening: Happening) {
        match happening {
            Happening::Pass(minutes) => {
                for quarter in 0..=minutes / 15 {
                    self.go(if quarter == 0 { minutes % 15 } else { 15 }).await;
                }
            }
            Happening::Sleep(minutes) => self.go(minutes).await,
            Happening::Step(minutes) => {
                let clock = std::sync::Arc::clone(&self.daemon().clock);
                clock.set(clock.now() + TimeDelta::minutes(minutes));
                self.daemon().ticker.tick().await.unwrap();
                self.furthest = self.furthest.max(clock.now());
            }
            Happening::Down(minutes) => {
                let daemon = self.daemon.take().unwrap();
                let until = daemon.clock.now() + TimeDelta::minutes(minutes);
                let until = until.with_timezone(&super::CHICAGO).format("%Y-%m-%d %H:%M").to_string();
                let daemon = self.daemon.insert(daemon.down(&until, schedule(self.time, 24)).await);
                daemon.ticker.begin().await.unwrap();
                self.furthest = self.furthest.max(daemon.clock.now());
            }
            Happening::Stop => self.switch(SchedulerState::Stopped).await,
            Happening::Start => self.switch(SchedulerState::Running).await,
        }
    }

    async fn switch(&mut self, state: SchedulerState) {
        self.daemon().queue.state().set_scheduler_state(state).await.unwrap();
        self.running = state == SchedulerState::Running;
    }

    /// Asserts that no slot has two runs, that every slot that had to run has one, and that ordinary nights
    /// follow.
    async fn judge(mut self) {
        let runs = self.daemon().runs().await;
        let mut count: HashMap<&str, usize> = HashMap::new();
        for slot in &runs {
            *count.entry(slot.split(' ').next().unwrap()).or_default() += 1;
        }
        assert!(count.values().all(|&count| count == 1), "a night ran twice: {runs:?}");
        for slot in &self.must_run {
            assert!(runs.contains(slot), "{slot} was skipped: {runs:?}");
        }
        self.switch(SchedulerState::Running).await;
        // Later than any time that the clock has shown.
        let shown = self.furthest.with_timezone(&super::CHICAGO).date_naive();
        let date = |days| shown.checked_add_days(chrono::Days::new(days)).unwrap();
        let noon = chicago(&format!("{} 12:00", date(1)));
        self.daemon().clock.set(noon);
        self.daemon().ticker.tick().await.unwrap();
        self.furthest = noon;
        self.apply(Happening::Pass(3 * 24 * 60)).await;
        let runs = self.daemon().runs().await;
        for days in 2..=4 {
            let slot = format!("{} {}", date(days), self.time);
            assert_eq!(runs.iter().filter(|ran| **ran == slot).count(), 1, "{slot}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_night_runs_twice_and_none_is_skipped(
        begin in select(vec!["2026-03-06 12:00", "2026-06-01 23:50", "2026-10-30 00:10"]),
        time in select(vec!["00:00", "01:30", "02:00", "02:30"]),
        happenings in prop::collection::vec(happening(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut story = Story::new(begin, time).await;
            for happening in happenings {
                story.apply(happening).await;
            }
            story.judge().await;
        });
    }
}
