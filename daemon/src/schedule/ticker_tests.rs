use std::sync::Arc;
use std::time::Duration;

use cached_proto::words::{SchedulerState, Table, Trigger};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tempfile::TempDir;
use tokio::sync::watch;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::directory::directory;
use crate::heartbeat::Heartbeat;
use crate::jobs::{Queue, SlotDecision};
use crate::state::State;

const NAME: &str = "refresh";
const CHICAGO: Tz = chrono_tz::America::Chicago;
const HOUR: Duration = Duration::from_hours(1);

fn schedule(time: &str, interval: u32) -> Arc<Schedule> {
    Arc::new(Schedule::every(time, interval, CHICAGO).unwrap())
}

/// Parses a wall-clock time in Chicago.
fn chicago(text: &str) -> DateTime<Utc> {
    let civil = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    CHICAGO.from_local_datetime(&civil).earliest().unwrap().to_utc()
}

struct Daemon {
    catch_up: bool,
    dir: TempDir,
    clock: Arc<ManualClock>,
    schedules: watch::Sender<Arc<Schedule>>,
    queue: Queue,
    ticker: Ticker,
}

impl Daemon {
    /// Starts a daemon that does not catch up on missed slots.
    async fn start(now: &str, schedule: Arc<Schedule>) -> Self {
        let clock = Arc::new(ManualClock::new(chicago(now)));
        Self::boot(directory(), clock, schedule, false).await
    }

    /// Starts a daemon that catches up on missed slots.
    async fn eager(now: &str, schedule: Arc<Schedule>) -> Self {
        let clock = Arc::new(ManualClock::new(chicago(now)));
        Self::boot(directory(), clock, schedule, true).await
    }

    async fn boot(dir: TempDir, clock: Arc<ManualClock>, schedule: Arc<Schedule>, catch_up: bool) -> Self {
        let state = State::open(&dir.path().join("state.db"), clock.now()).await.unwrap();
        let queue = Queue::new(state, clock.clone());
        queue.recover().await.unwrap();
        let schedules = watch::Sender::new(schedule);
        let tables = Box::new(|| vec![Table::DiaEventsReportCache]);
        let ticker = Ticker::new(
            NAME,
            queue.clone(),
            clock.clone(),
            schedules.subscribe(),
            tables,
            Box::new(move || catch_up),
        )
        .await
        .unwrap();
        Self { catch_up, dir, clock, schedules, queue, ticker }
    }

    /// Kills the daemon, and restarts it at `until` with this schedule.
    async fn down(self, until: &str, schedule: Arc<Schedule>) -> Self {
        let Self { catch_up, dir, clock, ticker, queue, .. } = self;
        drop((ticker, queue));
        clock.set(chicago(until));
        Self::boot(dir, clock, schedule, catch_up).await
    }

    async fn tick_at(&mut self, now: &str) -> Option<(String, SlotDecision)> {
        self.clock.set(chicago(now));
        self.ticker.tick().await.unwrap().map(|(fire, decision)| (slot_text(fire.slot), decision))
    }

    async fn runs(&self) -> Vec<String> {
        let runs = self.queue.history(DateTime::UNIX_EPOCH, 100).await.unwrap();
        let by_slot = [Trigger::Schedule, Trigger::CatchUp];
        assert!(runs.iter().all(|run| by_slot.contains(&run.trigger)));
        runs.into_iter().rev().filter_map(|run| run.slot).collect()
    }

    async fn decided(&self, slot: &str) -> Option<SlotDecision> {
        self.queue.slot(NAME, slot).await.unwrap()
    }
}

fn heartbeat(clock: &Arc<ManualClock>) -> Heartbeat {
    let clock: Arc<dyn Clock> = clock.clone();
    Heartbeat::new("schedule", &clock)
}

fn decided(slot: &str, decision: SlotDecision) -> (String, SlotDecision) {
    (slot.to_owned(), decision)
}

#[tokio::test]
async fn each_slot_runs_once_and_a_new_state_has_missed_nothing() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-01 12:00").await, None);
    assert_eq!(d.decided("2026-06-01 02:00").await, None);
    assert_eq!(d.tick_at("2026-06-02 01:59").await, None);
    assert_eq!(d.tick_at("2026-06-02 02:00").await, Some(decided("2026-06-02 02:00", SlotDecision::Run)));
    assert_eq!(d.tick_at("2026-06-02 02:01").await, None);
    assert_eq!(d.tick_at("2026-06-03 02:00").await, Some(decided("2026-06-03 02:00", SlotDecision::Run)));
    assert_eq!(d.runs().await, ["2026-06-02 02:00", "2026-06-03 02:00"]);
}

#[tokio::test]
async fn the_nights_of_clock_changes_run_once() {
    let mut d = Daemon::start("2026-03-07 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-03-08 01:59").await, None);
    assert_eq!(d.tick_at("2026-03-08 03:00").await, Some(decided("2026-03-08 02:00", SlotDecision::Run)));
    let mut d = Daemon::start("2026-10-31 12:00", schedule("01:30", 24)).await;
    assert_eq!(d.tick_at("2026-11-01 01:30").await, Some(decided("2026-11-01 01:30", SlotDecision::Run)));
    d.clock.advance(HOUR);
    assert_eq!(d.ticker.tick().await.unwrap(), None, "the second 01:30 of the night");
}

#[tokio::test]
async fn no_slot_runs_twice_or_is_lost_when_the_clock_is_set_back_and_forth() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-02 02:00").await, Some(decided("2026-06-02 02:00", SlotDecision::Run)));
    assert_eq!(d.tick_at("2026-06-02 01:30").await, None);
    assert_eq!(d.tick_at("2026-06-02 02:00").await, None, "the same slot again");
    assert_eq!(d.tick_at("2026-05-20 12:00").await, None);
    assert_eq!(d.tick_at("2026-05-21 02:00").await, Some(decided("2026-05-21 02:00", SlotDecision::Run)));
    assert_eq!(d.tick_at("2026-06-02 02:00").await, None, "it ran under a clock that was ahead");
    assert_eq!(d.tick_at("2026-06-05 12:00").await, Some(decided("2026-06-05 02:00", SlotDecision::Run)));
    assert_eq!(d.decided("2026-06-04 02:00").await, Some(SlotDecision::Missed));
    assert_eq!(d.runs().await, ["2026-06-02 02:00", "2026-05-21 02:00", "2026-06-05 02:00"]);
}

#[tokio::test]
async fn a_slot_recorded_as_missed_by_a_clock_that_was_ahead_still_runs() {
    let d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    let mut d = d.down("2026-06-04 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-04 12:00").await, Some(decided("2026-06-04 02:00", SlotDecision::Missed)));
    // The clock is corrected; of the two nights recorded as missed, only the earlier one had passed.
    assert_eq!(d.tick_at("2026-06-03 12:00").await, Some(decided("2026-06-03 02:00", SlotDecision::Missed)));
    assert_eq!(d.tick_at("2026-06-04 02:00").await, Some(decided("2026-06-04 02:00", SlotDecision::Run)));
    assert_eq!(d.runs().await, ["2026-06-04 02:00"]);
}

#[tokio::test]
async fn slots_still_run_with_a_state_created_by_a_clock_that_was_ahead() {
    let mut d = Daemon::start("2030-01-01 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-01 12:00").await, None);
    let mut d = d.down("2026-06-01 13:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-02 02:00").await, Some(decided("2026-06-02 02:00", SlotDecision::Run)));
}

#[tokio::test]
async fn slots_that_passed_while_the_daemon_was_down_are_recorded_as_missed() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.tick_at("2026-06-02 02:00").await;
    let mut d = d.down("2026-06-05 09:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-05 09:00").await, Some(decided("2026-06-05 02:00", SlotDecision::Missed)));
    for slot in ["2026-06-03 02:00", "2026-06-04 02:00", "2026-06-05 02:00"] {
        assert_eq!(d.decided(slot).await, Some(SlotDecision::Missed), "{slot}");
    }
    assert_eq!(d.decided("2026-06-01 02:00").await, None, "before the state existed");
    assert_eq!(d.runs().await, ["2026-06-02 02:00"]);
}

#[tokio::test]
async fn a_machine_that_slept_through_a_slot_runs_it_on_waking() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-02 01:00").await, None);
    assert_eq!(d.tick_at("2026-06-02 07:30").await, Some(decided("2026-06-02 02:00", SlotDecision::Run)));
}

#[tokio::test]
async fn a_restart_during_a_run_neither_repeats_nor_loses_its_slot() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.tick_at("2026-06-02 02:00").await;
    let claimed = d.queue.claim().await.unwrap().unwrap();
    assert_eq!(claimed.request.slot.as_deref(), Some("2026-06-02 02:00"));
    d.queue.start_attempt(&claimed.lease, claimed.jobs[0].0, None).await.unwrap();
    let mut d = d.down("2026-06-02 02:01", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-02 02:01").await, None);
    assert_eq!(d.queue.claim().await.unwrap().unwrap().run, claimed.run);
    assert_eq!(d.runs().await, ["2026-06-02 02:00"]);
}

#[tokio::test]
async fn slots_that_pass_while_the_scheduler_is_stopped_are_paused_for_good() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    assert_eq!(d.tick_at("2026-06-02 02:00").await, Some(decided("2026-06-02 02:00", SlotDecision::Paused)));
    let mut d = d.down("2026-06-04 09:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-04 09:00").await, Some(decided("2026-06-04 02:00", SlotDecision::Paused)));
    assert_eq!(d.decided("2026-06-03 02:00").await, Some(SlotDecision::Paused));
    d.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    assert_eq!(d.tick_at("2026-06-04 12:00").await, None);
    assert_eq!(d.tick_at("2026-06-05 02:00").await, Some(decided("2026-06-05 02:00", SlotDecision::Run)));
    assert_eq!(d.runs().await, ["2026-06-05 02:00"]);
}

#[tokio::test]
async fn an_undecided_slot_of_a_pause_is_paused_even_after_the_scheduler_was_started() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    pause(&d.queue).await.unwrap();
    // The machine slept over two slots, which are still undecided when the scheduler is started.
    d.clock.set(chicago("2026-06-03 08:00"));
    resume(&d.queue).await.unwrap();
    assert_eq!(d.tick_at("2026-06-03 08:01").await, Some(decided("2026-06-03 02:00", SlotDecision::Paused)));
    assert_eq!(d.decided("2026-06-02 02:00").await, Some(SlotDecision::Paused));
    assert_eq!(d.tick_at("2026-06-04 02:00").await, Some(decided("2026-06-04 02:00", SlotDecision::Run)));
}

#[tokio::test]
async fn a_changed_time_of_day_does_not_run_a_second_time_on_a_date() {
    for changed in ["05:00", "00:30"] {
        let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
        d.tick_at("2026-06-02 02:00").await;
        let mut d = d.down("2026-06-02 03:00", schedule(changed, 24)).await;
        d.tick_at("2026-06-02 03:00").await;
        d.tick_at("2026-06-02 05:00").await;
        assert_eq!(d.runs().await, ["2026-06-02 02:00"], "{changed}");
        d.tick_at("2026-06-03 05:00").await;
        assert_eq!(d.runs().await, ["2026-06-02 02:00".to_owned(), format!("2026-06-03 {changed}")]);
    }
}

#[tokio::test]
async fn a_schedule_of_several_slots_a_day_runs_all_of_them() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 12)).await;
    d.tick_at("2026-06-01 14:00").await;
    d.tick_at("2026-06-02 02:00").await;
    d.tick_at("2026-06-02 14:00").await;
    assert_eq!(d.runs().await, ["2026-06-01 14:00", "2026-06-02 02:00", "2026-06-02 14:00"]);
}

#[tokio::test]
async fn pruning_removes_old_slots_but_never_the_newest() {
    let mut d = Daemon::start("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.tick_at("2026-06-02 02:00").await;
    d.tick_at("2026-06-03 02:00").await;
    d.clock.set(chicago("2026-06-03 12:00"));
    d.queue.prune_slots(d.clock.now()).await.unwrap();
    assert_eq!(d.decided("2026-06-02 02:00").await, None);
    assert_eq!(d.tick_at("2026-06-03 13:00").await, None, "it is decided only once, even without history");
    assert_eq!(d.tick_at("2026-06-05 02:00").await, Some(decided("2026-06-05 02:00", SlotDecision::Run)));
    assert_eq!(d.decided("2026-06-02 02:00").await, None, "and it is not recorded again");
}

/// Advances the clock by minutes for a running ticker until `done`, for a day at most.
async fn minutes_until(what: &str, clock: &ManualClock, mut done: impl AsyncFnMut() -> bool) {
    let end = clock.now() + TimeDelta::days(1);
    while !done().await {
        assert!(clock.now() < end, "timed out waiting for {what}");
        clock.sleeping(1).await;
        clock.advance(Duration::from_mins(1));
    }
}

#[tokio::test]
async fn the_loop_runs_a_slot_at_its_instant_and_follows_a_new_schedule() {
    let d = Daemon::start("2026-06-01 23:50", schedule("00:00", 24)).await;
    let Daemon { clock, schedules, queue, ticker, dir: _dir, .. } = d;
    let running = tokio::spawn(ticker.run(heartbeat(&clock)));
    let slots = async || {
        let runs = queue.history(DateTime::UNIX_EPOCH, 10).await.unwrap();
        runs.into_iter().map(|run| (run.slot.unwrap(), run.queued.to_utc())).collect::<Vec<_>>()
    };
    minutes_until("the first slot", &clock, async || slots().await.len() == 1).await;
    assert_eq!(slots().await[0], ("2026-06-02 00:00".to_owned(), chicago("2026-06-02 00:00")));

    clock.sleeping(1).await;
    clock.set(chicago("2026-06-02 23:30"));
    // The slot passed before this schedule was set: it is not run now, although the loop was running.
    schedules.send_replace(schedule("23:00", 24));
    minutes_until("the slot before the new schedule", &clock, async || {
        queue.slot(NAME, "2026-06-02 23:00").await.unwrap() == Some(SlotDecision::Missed)
    })
    .await;
    assert_eq!(slots().await.len(), 1);
    clock.sleeping(1).await;
    clock.set(chicago("2026-06-03 22:58"));
    minutes_until("the slot of the new schedule", &clock, async || slots().await.len() == 2).await;
    assert_eq!(slots().await[0].0, "2026-06-03 23:00");
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_loop_is_overdue_but_one_that_waits_for_its_slot_is_not() {
    let d = Daemon::start("2026-06-01 23:50", schedule("00:00", 24)).await;
    let Daemon { clock, queue, schedules, dir: _dir, .. } = d;
    let heartbeat = heartbeat(&clock);
    // Dropping the sender ends the hang, also if the test fails.
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let (entered, deciding) = tokio::sync::oneshot::channel();
    let (hang, entered) = (std::sync::Mutex::new(hang), std::sync::Mutex::new(Some(entered)));
    let tables = Box::new(move || {
        if let Some(entered) = entered.lock().unwrap().take() {
            entered.send(()).unwrap();
        }
        let _ = hang.lock().unwrap().recv();
        vec![Table::DiaEventsReportCache]
    });
    let ticker = Ticker::new(NAME, queue, clock.clone(), schedules.subscribe(), tables, Box::new(|| false));
    let running = tokio::spawn(ticker.await.unwrap().run(heartbeat.clone()));
    for _ in 0..9 {
        clock.sleeping(1).await;
        clock.advance(Duration::from_mins(1));
        assert_eq!(heartbeat.overdue(), None);
    }
    clock.sleeping(1).await;
    clock.advance(Duration::from_mins(1));
    deciding.await.unwrap();
    clock.advance(Duration::from_mins(5));
    assert!(heartbeat.overdue().is_some());
    drop(release);
    clock.sleeping(1).await;
    assert_eq!(heartbeat.overdue(), None);
    running.abort();
}

#[tokio::test]
async fn after_a_downtime_only_the_newest_missed_slot_is_caught_up_once() {
    let mut d = Daemon::eager("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.tick_at("2026-06-02 02:00").await;
    let mut d = d.down("2026-06-05 09:00", schedule("02:00", 24)).await;
    assert_eq!(
        d.tick_at("2026-06-05 09:00").await,
        Some(decided("2026-06-05 02:00", SlotDecision::CaughtUp))
    );
    for slot in ["2026-06-03 02:00", "2026-06-04 02:00"] {
        assert_eq!(d.decided(slot).await, Some(SlotDecision::Missed), "{slot}");
    }
    let caught_up = d.queue.history(DateTime::UNIX_EPOCH, 1).await.unwrap().swap_remove(0);
    assert_eq!((caught_up.trigger, caught_up.slot.as_deref()), (Trigger::CatchUp, Some("2026-06-05 02:00")));
    let mut d = d.down("2026-06-05 09:30", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-05 09:30").await, None, "not again at the next start");
    assert_eq!(d.tick_at("2026-06-06 02:00").await, Some(decided("2026-06-06 02:00", SlotDecision::Run)));
    assert_eq!(d.runs().await, ["2026-06-02 02:00", "2026-06-05 02:00", "2026-06-06 02:00"]);
}

#[tokio::test]
async fn a_downtime_without_a_slot_causes_no_catch_up() {
    let mut d = Daemon::eager("2026-06-01 12:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-01 12:00").await, None, "a new state has missed nothing");
    d.tick_at("2026-06-02 02:00").await;
    let mut d = d.down("2026-06-02 23:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-02 23:00").await, None);
}

#[tokio::test]
async fn a_slot_that_passed_while_the_scheduler_was_stopped_is_never_caught_up() {
    let d = Daemon::eager("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.queue.state().set_scheduler_state(SchedulerState::Stopped).await.unwrap();
    let mut d = d.down("2026-06-03 09:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-03 09:00").await, Some(decided("2026-06-03 02:00", SlotDecision::Paused)));
    d.queue.state().set_scheduler_state(SchedulerState::Running).await.unwrap();
    let mut d = d.down("2026-06-03 10:00", schedule("02:00", 24)).await;
    assert_eq!(d.tick_at("2026-06-03 10:00").await, None);
    assert_eq!(d.runs().await, [""; 0]);
}

#[tokio::test]
async fn a_changed_time_of_day_is_not_caught_up_on_a_date_that_had_its_run() {
    let mut d = Daemon::eager("2026-06-01 12:00", schedule("02:00", 24)).await;
    d.tick_at("2026-06-02 02:00").await;
    let mut d = d.down("2026-06-02 10:05", schedule("10:00", 24)).await;
    assert_eq!(
        d.tick_at("2026-06-02 10:05").await,
        Some(decided("2026-06-02 10:00", SlotDecision::Superseded))
    );
    assert_eq!(d.tick_at("2026-06-03 10:00").await, Some(decided("2026-06-03 10:00", SlotDecision::Run)));
    assert_eq!(d.runs().await, ["2026-06-02 02:00", "2026-06-03 10:00"]);
}

#[tokio::test]
async fn a_catch_up_under_a_clock_that_was_ahead_is_not_repeated() {
    let mut d = Daemon::eager("2026-06-01 12:00", schedule("02:00", 24)).await;
    let mut d = {
        d.tick_at("2026-06-01 12:01").await;
        d.down("2026-06-03 09:00", schedule("02:00", 24)).await
    };
    assert_eq!(
        d.tick_at("2026-06-03 09:00").await,
        Some(decided("2026-06-03 02:00", SlotDecision::CaughtUp))
    );
    d.tick_at("2026-06-02 12:00").await;
    assert_eq!(d.tick_at("2026-06-03 02:00").await, None, "it has run");
    assert_eq!(d.tick_at("2026-06-04 02:00").await, Some(decided("2026-06-04 02:00", SlotDecision::Run)));
}

#[path = "nights_tests.rs"]
mod nights;
