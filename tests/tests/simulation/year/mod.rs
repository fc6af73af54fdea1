//! A year in the daemon's life: the real schedule, queue, guard, top-up, watch, worker, store and all eleven
//! reports, over an office that works with VMS day by day, on a clock that is moved by hand. It begins on
//! 14 June 2027 and lasts 456 nights: over both clock changes, 31 December, 29 February, and two turns of the
//! school year.
//!
//! Every morning at 08:00 in Chicago:
//!
//! * each table is fresh and whole, and each payload equals, byte for byte, a build from scratch from the source
//!   of this instant. Only a default window of recent volunteers is compared as of the run that wrote it, since
//!   it ends at that instant by definition, and no renewal of it may be due;
//! * no row is left that no report has, but windows of the last days and ranges that a user has typed in; no
//!   key has two rows;
//! * nothing is guarded but by a broken import, and the health names the planned trouble or nothing;
//! * the slot of the night has run once, and there were no more other runs than there were causes;
//! * what holds for the histories of this simulation holds after each step of a run: no row is half new, none is
//!   lost, no timestamp goes back.
//!
//! | when | what happens | what holds then |
//! |---|---|---|
//! | weekdays | the office plans, moves, closes, cancels and deletes events, types participations in days late, merges and renames people, changes addresses, employers, organizations, districts, schools and teachers | the watch refreshes what has changed within a minute |
//! | two days of five | a page view overwrites a row with what VMS computes | it is ours again in the morning |
//! | nights to Tuesday, and three nights in May | an import rewrites many rows in three transactions and wipes cache rows at 03:00 | all is there at 08:00; after the second night in a row the health names another refresher |
//! | 15 June | rows of typed-in ranges | they stay for ever |
//! | 22 June | the machine is off for a night | the slot is caught up |
//! | 9 to 12 July | it is off for a weekend | one run catches up |
//! | 1 August, twice | another school year; a season is planned | its rows exist from that morning on |
//! | 3 August | a page of a year long past is viewed | that year has rows from then on |
//! | 14 to 17 September | other settings: exact mode, shorter windows, no recent events, and back | all is made under them by the next morning |
//! | 13 October, 7 December, 29 February | the daemon is killed in the nightly run | the run is finished |
//! | 14 October, 8 December | VMS writes in the middle of the nightly run | as after any page view |
//! | 16 November | an import loses nine of ten participations, repaired the next day | all is guarded and no row changes; clean on the morning after |
//! | 18 to 20 January | the clock is stepped, by seconds, minutes and hours, forward and back | clean on the next morning |
//! | 8 February | an import loses nine of ten events, repaired on the fifth day | guarded for two nights, then
//! accepted: the third morning is clean over what is left, and so is that after the repair |
//! | 27 March | the machine sleeps for a night | the slot is caught up |
//! | 10 to 13 April | the daemon is stopped, VMS and its imports are not | clean on the morning of the start |
//! | 2 to 4 May | an account is limited to a district | the virtual session report is withheld |
//! | 1 to 15 July | the machine is off for two weeks | one run catches up |
//! | always | history is pruned and the log tidied daily, readiness is sampled hourly | no table of the state grows, the log has a month of files, memory is what it was |
//!
//! One-shots live the same year without a daemon, a refresh each night at 02:00, judged right after it: with their
//! state kept, with and without `--force`, and with their state lost each time. With the state kept, a broken
//! import is guarded until it is repaired, since only scheduled runs accept a loss; without it, the daemon does not
//! know that the source was larger, and the rows are built from what is left. Without `--force` no pages are viewed,
//! because rows that VMS has just written are skipped.
//!
//! An ordinary run lives the days around these events, with the machine off in between. `CACHED_YEAR=1 cargo
//! test -p cached-tests --test simulation year:: -- --nocapture` lives the whole year and prints its figures.

mod morning;
mod nights;
mod office;
mod pages;
mod plan;

use std::time::Duration;

use cached::clock::Clock as _;
use cached::daemon::Upkeep;
use cached::demo::{DemoOptions, generate};
use cached::telemetry::{self, Telemetry};
use cached_tests::directory::directory;
use cached_tests::vms::Other;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

use crate::daemon::Choices;
use crate::op::{Op, Setting};
use crate::template;
use crate::vms::{LOSE, RESTORE};
use crate::world::World;
use morning::{Figures, Held, Morning};
use nights::Form;
use office::Office;
use plan::{Down, Happening, Lost, ZONE};

/// Time after which the watch reacts to a change of VMS.
const QUIET: Duration = Duration::from_secs(31);

/// Rows of events that a broken import loses, and their return.
const LOSE_EVENTS: &str =
    "INSERT INTO events_put_aside SELECT * FROM event WHERE id % 10; DELETE FROM event WHERE id % 10";
const RESTORE_EVENTS: &str = "INSERT INTO event SELECT * FROM events_put_aside; DELETE FROM events_put_aside";

/// An account that is limited to a district.
const SCOPED: &str = "INSERT INTO users (id, username, email, password_hash, security_level, scope_type, is_active, created_at, \
     updated_at) VALUES (99, 'district', 'district@example.org', '!', 0, 'district', 1, '2028-05-02', '2028-05-02')";

/// The directory of the log.
const LOGS: &str = "log";

/// A year of the daemon.
struct Year {
    world: World,
    office: Office,
    whole: bool,
    down: Option<Down>,
    /// What happens in the next work of the daemon: it dies at this point, or VMS writes.
    blow: Option<(u64, Option<String>)>,
    /// When the history was pruned and readiness was sampled last.
    pruned: Duration,
    sampled: Duration,
    log: Telemetry,
    /// Installs the log on this thread.
    _logs: tracing::dispatcher::DefaultGuard,
    morning: Morning,
    figures: Figures,
}

/// Returns the source of the beginning: a small office, with the sample's past.
fn beginning() -> Vec<u8> {
    let made = std::thread::spawn(|| {
        let directory = directory();
        let path = directory.path().join("sample.db");
        let now = plan::at_hour(plan::date(plan::FROM), 8);
        let options = DemoOptions { scale: 1, seed: 7, now };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(generate(&path, &options)).unwrap();
        let vms = Other::open(&path);
        vms.add_engagement();
        vms.execute("PRAGMA journal_mode = DELETE");
        drop(vms);
        template::shrunk(&path, office::SMALL, office::FINISH)
    });
    made.join().unwrap()
}

impl Year {
    async fn begin(whole: bool) -> Self {
        let directory = directory();
        std::fs::write(directory.path().join("vms.db"), beginning()).unwrap();
        let setting = Setting { seed: 7, start: 0, wal: false, lived_in: false, small: false };
        let choices = Choices { time: 0, zone: 0, catch_up: true, grace: 30, more: plan::SETTINGS };
        let start = plan::at_hour(plan::date(plan::FROM), 8);
        let mut config = choices.config(directory.path());
        config.log.dir = Some(directory.path().join(LOGS));
        let mut world = Box::pin(World::over(directory, setting, choices, start)).await;
        let (logs, log) =
            telemetry::build(&config, telemetry::Kind::Library, world.clock.manual.clone(), None);
        let logs = tracing::dispatcher::set_default(&logs);
        world.touched().await;
        let office = Office::new(7, world.vms.clone(), if whole { 3 } else { 1 });
        let (pruned, sampled) = (Duration::ZERO, Duration::ZERO);
        let (morning, figures) = (Morning::default(), Figures::default());
        Self {
            world,
            office,
            whole,
            down: None,
            blow: None,
            pruned,
            sampled,
            log,
            _logs: logs,
            morning,
            figures,
        }
    }

    async fn live(&mut self) -> Result<(), String> {
        let days = plan::days(self.whole);
        self.iterate().await?;
        for (&day, &next) in days.iter().zip(&days[1..]) {
            let lived = self.day(day, next).await;
            lived.map_err(|broken| format!("by the morning of {next}, {}: {broken}", self.world.now()))?;
        }
        Ok(())
    }

    /// Lives from one morning to the next; if there are days in between, the machine is off.
    async fn day(&mut self, day: NaiveDate, next: NaiveDate) -> Result<(), String> {
        let (from, to) = (plan::at_hour(day, 8), plan::at_hour(next, 8));
        let is_gap = next != day.succ_opt().unwrap();
        let agenda = if is_gap {
            let (off, on) = (plan::at_hour(day, 20), plan::at_hour(next, 7));
            let mut agenda = agenda(&self.office, day, from, off);
            agenda.extend([(off, Happening::Down(Down::Off)), (on, Happening::Up)]);
            agenda.extend([(on, Happening::Season(12)), (on, Happening::Work)]);
            agenda
        } else {
            agenda(&self.office, day, from, to)
        };
        self.morning.begin(&self.world, day, next).await;
        for (at, happening) in agenda {
            self.pass(at).await?;
            self.happen(happening).await?;
        }
        self.pass(to).await?;
        if self.down.is_none() {
            self.judge(next).await?;
        }
        Ok(())
    }

    /// Lets time pass. While the daemon is awake, its loops run, and its worker has no work left at the end.
    async fn pass(&mut self, until: DateTime<Utc>) -> Result<(), String> {
        let stride = TimeDelta::hours(if self.whole { 1 } else { 4 });
        while self.world.now() < until {
            let now = self.world.now();
            let fire = self.world.slots.next_fire(now).filter(|_| self.down.is_none());
            // Where an entry does not last until the run, it is topped up an hour before it.
            let before = fire.map(|fire| fire - TimeDelta::hours(1)).filter(|&before| before > now);
            let stops = [Some(until), Some(now + stride), before, fire];
            let stop = stops.into_iter().flatten().min().unwrap();
            self.world.clock.manual.advance((stop - now).to_std().unwrap());
            if self.down.is_some() {
                continue;
            }
            self.iterate().await?;
            if fire == Some(stop) {
                self.world.slots.check(&self.world.state).await?;
                self.world.slots.attended(stop)?;
            }
        }
        Ok(())
    }

    /// Runs one iteration of each loop, and what it has queued.
    async fn iterate(&mut self) -> Result<(), String> {
        self.world.daemon.iterate().await?;
        let queue = &self.world.daemon.components.queue;
        let queued = queue.queued_count().await.map_err(|error| error.to_string())?;
        match self.blow.take_if(|_| queued > 0) {
            None => {}
            Some((point, Some(sql))) => self.world.meddle_with(point, sql).await?,
            Some((point, None)) => self.world.apply(Op::CrashAt { point, down: 60 }).await?,
        }
        self.world.idle().await?;
        let (world, day) = (&self.world, Duration::from_hours(24));
        let often = if self.whole { day / 24 } else { day / 3 };
        let since = |last: Duration| world.clock.manual.monotonic().saturating_sub(last);
        let (is_sampled, is_pruned) = (since(self.sampled) < often, since(self.pruned) < day);
        if is_sampled && is_pruned {
            return Ok(());
        }
        let upkeep = Upkeep::of(&self.world.daemon.components, self.world.clock.clone());
        if !is_sampled {
            upkeep.sample().await.map_err(|error| format!("no sample of readiness: {error}"))?;
            self.sampled = self.world.clock.manual.monotonic();
        }
        if !is_pruned {
            upkeep.prune().await.map_err(|error| format!("no pruning: {error}"))?;
            self.log.tidy();
            self.log.tidied();
            self.world.slots.pruned(self.world.now());
            self.pruned = self.world.clock.manual.monotonic();
        }
        Ok(())
    }

    /// Executes a statement of VMS, and lets the daemon react to it.
    async fn write(&mut self, sql: &str) -> Result<(), String> {
        self.world.vms.execute(&format!("BEGIN IMMEDIATE; {}; COMMIT", sql.trim().trim_end_matches(';')));
        self.wrote().await
    }

    async fn wrote(&mut self) -> Result<(), String> {
        self.world.touched().await;
        self.morning.written += 1;
        if self.down.is_none() {
            self.iterate().await?;
            self.world.clock.manual.advance(QUIET);
            self.iterate().await?;
        }
        Ok(())
    }

    async fn happen(&mut self, happening: Happening) -> Result<(), String> {
        let today = self.world.now().with_timezone(&ZONE).date_naive();
        let is_dark = matches!(self.down, Some(Down::Off | Down::Suspended));
        if is_dark && happening != Happening::Up {
            return Ok(());
        }
        match happening {
            Happening::Work => {
                if self.office.work(today, self.morning.lost.is_some()) {
                    self.wrote().await?;
                }
            }
            // A page of VMS would store what it computes from the broken source.
            Happening::View if self.morning.lost.is_some() => {}
            Happening::View => {
                if let Some(sql) = self.viewed().await {
                    self.write(&sql).await?;
                }
            }
            Happening::Season(events) => {
                self.office.plan_season(today, events);
                self.wrote().await?;
            }
            Happening::Import { fails } => self.import(fails).await?,
            Happening::Lose(lost) => {
                self.morning.lost =
                    Some((lost, Held::of(&self.world.reader, &self.world.tables, self.world.now()).await));
                self.write(import(lost, true)).await?;
            }
            Happening::Restore(lost) => {
                self.morning.lost = None;
                self.write(import(lost, false)).await?;
            }
            Happening::Down(down) => self.down = Some(down),
            Happening::Up => {
                let down = self.down.take();
                self.morning.boots += 1;
                if down != Some(Down::Suspended) {
                    self.world.die(0).await?;
                }
                self.iterate().await?;
                self.world.clock.manual.advance(QUIET);
                self.iterate().await?;
            }
            Happening::Set(seconds) => {
                self.morning.steps += 1;
                self.world.apply(Op::Set(seconds)).await?;
                self.iterate().await?;
            }
            Happening::Reload(more) => {
                self.morning.reloads += 1;
                self.world.reload(Choices { more, ..self.world.choices }).await?;
                self.iterate().await?;
            }
            Happening::Crash(point) => {
                self.morning.boots += 1;
                self.blow = Some((point, None));
            }
            Happening::Meddle(point) => {
                if let Some(sql) = self.viewed().await {
                    self.blow = Some((point, Some(sql)));
                    self.morning.written += 1;
                }
            }
            other => {
                if let Some(sql) = statement(other) {
                    self.write(sql).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the statement of a page view.
    async fn viewed(&self) -> Option<String> {
        let (world, random) = (&self.world, self.office.random());
        pages::view(&world.reader, &world.refresh.settings, world.now(), random).await
    }

    /// An import: two transactions of changes, and two minutes later the wipe.
    async fn import(&mut self, fails: bool) -> Result<(), String> {
        if self.morning.lost.is_some() {
            return Ok(());
        }
        for _ in 0..2 {
            let sql = self.office.import();
            self.write(&sql).await?;
            let later = self.world.now() + TimeDelta::minutes(2);
            self.pass(later).await?;
        }
        self.morning.wiped.insert(self.world.now().with_timezone(&ZONE).date_naive());
        let wipe = pages::wipe(self.world.now(), fails);
        self.write(&wipe).await
    }
}

/// Returns what happens in a period that begins on a day, by time.
fn agenda(
    office: &Office,
    day: NaiveDate,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, Happening)> {
    let on_day = |time: NaiveTime| plan::at(day.and_time(time));
    let mut agenda = plan::planned(from, to);
    agenda.extend(office.hours(day).into_iter().map(|time| (on_day(time), Happening::Work)));
    agenda.extend(office.views().map(|time| (on_day(time), Happening::View)));
    // The night of an import: the one to Tuesday.
    if day.weekday() == Weekday::Mon {
        let night = plan::at_hour(day.succ_opt().unwrap(), 3);
        agenda.push((night, Happening::Import { fails: day.day().is_multiple_of(2) }));
    }
    agenda.retain(|(at, _)| (from..to).contains(at));
    agenda.sort_by_key(|&(at, _)| at);
    agenda
}

/// Returns the statement of a broken import, or of its repair.
fn import(lost: Lost, begins: bool) -> &'static str {
    match (lost, begins) {
        (Lost::Participations, true) => LOSE,
        (Lost::Participations, false) => RESTORE,
        (Lost::Events, true) => LOSE_EVENTS,
        (Lost::Events, false) => RESTORE_EVENTS,
    }
}

/// Returns the statement of an event that consists of one.
fn statement(happening: Happening) -> Option<&'static str> {
    match happening {
        Happening::Scoped(true) => Some(SCOPED),
        Happening::Scoped(false) => Some("DELETE FROM users WHERE id = 99"),
        Happening::TypedRanges => Some(pages::TYPED_RANGES),
        Happening::OldPages => Some(pages::OLD_PAGES),
        _ => None,
    }
}

fn whole() -> bool {
    std::env::var_os("CACHED_YEAR").is_some()
}

#[test]
fn every_morning_of_a_year_is_clean() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Box::pin(async {
        let mut year = Year::begin(whole()).await;
        let lived = Box::pin(year.live()).await;
        if let Err(broken) = lived {
            panic!("after {}: {broken}", year.figures);
        }
        year.end().await.unwrap();
        if whole() {
            println!("{}", year.figures);
        }
    }));
}

/// Lives the year of one-shots.
fn live_nights(form: Form) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lived = runtime.block_on(Box::pin(nights::live(form, whole())));
    let figures = lived.unwrap_or_else(|broken| panic!("{form:?}: {broken}"));
    if whole() {
        println!("{figures}");
    }
}

#[test]
fn every_night_of_one_shots_that_keep_their_state_is_clean() {
    live_nights(Form { kept: true, force: true });
}

#[test]
fn every_night_of_one_shots_that_leave_young_entries_alone_is_clean() {
    live_nights(Form { kept: true, force: false });
}

#[test]
fn every_night_of_one_shots_that_lose_their_state_is_clean() {
    live_nights(Form { kept: false, force: true });
}
