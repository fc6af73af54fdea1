use std::collections::BTreeSet;

use chrono_tz::America::Chicago;

use super::*;
use crate::reports::district::DistrictMapping;
use crate::reports::recruitment::Keywords;
use crate::reports::virtual_session::VirtualSessions;
use crate::reports::volunteer::{FirstTime, Recent};
use crate::reports::{Mode, ReportSettings};

const DAY: TimeDelta = TimeDelta::hours(24);

fn settings() -> ReportSettings {
    let (districts, keywords) = (DistrictMapping::embedded().unwrap(), Keywords::embedded().unwrap());
    ReportSettings::new(Mode::Fixed, Chicago, districts, keywords)
}

fn rehearse(
    reports: &[(&'static dyn Report, TimeDelta)],
    schedule: &Schedule,
    scheduler: SchedulerState,
    first: &str,
    days: u32,
) -> Vec<String> {
    let (snapshot, settings) = (Snapshot::default(), settings());
    let (expected, tolerance) = (TimeDelta::minutes(10), TimeDelta::minutes(15));
    let stage =
        Stage { schedule, scheduler, expected, tolerance, reports, snapshot: &snapshot, settings: &settings };
    let rehearsal = stage.rehearse(first.parse().unwrap(), days);
    assert!(!rehearsal.cut);
    rehearsal.decisions.iter().map(shown).collect()
}

/// Formats a decision with its wall-clock time in Chicago.
fn shown(decision: &Rehearsed) -> String {
    let at = decision.at.with_timezone(&Chicago).format("%m-%d %H:%M");
    if let Some(fire) = decision.fire {
        return format!("{at} run of {} {:?}", super::super::slot_text(fire.slot), fire.note);
    }
    let tables: Vec<_> = decision.tables.iter().map(|(table, cause)| format!("{table} {cause:?}")).collect();
    format!("{at} top-up of {}", tables.join(", "))
}

fn nightly() -> Schedule {
    Schedule::every("02:00", 24, Chicago).unwrap()
}

#[test]
fn a_nightly_schedule_with_a_limit_of_a_day_refreshes_once_a_night() {
    let decisions = rehearse(&[(&FirstTime, DAY)], &nightly(), SchedulerState::Running, "2026-06-02", 7);
    let nights = (2..9).map(|day| format!("06-{day:02} 02:00 run of 2026-06-{day:02} 02:00 None"));
    assert_eq!(decisions, nights.collect::<Vec<_>>());
    // The autumn night is an hour longer than the limit.
    let decisions = rehearse(&[(&FirstTime, DAY)], &nightly(), SchedulerState::Running, "2026-11-01", 2);
    let expected = [
        "11-01 01:00 top-up of first_time_volunteer_report_cache Expiring",
        "11-01 02:00 run of 2026-11-01 02:00 None",
        "11-02 02:00 run of 2026-11-02 02:00 None",
    ];
    assert_eq!(decisions, expected);
}

#[test]
fn entries_that_the_night_would_renew_too_late_are_topped_up_before_it() {
    let limit = TimeDelta::hours(23);
    let decisions = rehearse(&[(&FirstTime, limit)], &nightly(), SchedulerState::Running, "2026-06-02", 2);
    let expected = [
        "06-02 01:00 top-up of first_time_volunteer_report_cache Expiring",
        "06-02 02:00 run of 2026-06-02 02:00 None",
        "06-03 01:00 top-up of first_time_volunteer_report_cache Expiring",
        "06-03 02:00 run of 2026-06-03 02:00 None",
    ];
    assert_eq!(decisions, expected);
}

#[test]
fn entries_within_the_tolerance_wait_for_the_nightly_run_even_in_autumn() {
    // The autumn night comes 25 hours after the one before it.
    let limit = TimeDelta::minutes(25 * 60 + 11);
    let decisions = rehearse(&[(&FirstTime, limit)], &nightly(), SchedulerState::Running, "2026-10-31", 3);
    let expected = [
        "10-31 02:00 run of 2026-10-31 02:00 None",
        "11-01 02:00 run of 2026-11-01 02:00 None",
        "11-02 02:00 run of 2026-11-02 02:00 None",
    ];
    assert_eq!(decisions, expected);
    let decisions = rehearse(&[(&FirstTime, limit)], &nightly(), SchedulerState::Running, "2026-03-08", 1);
    assert_eq!(decisions, ["03-08 03:00 run of 2026-03-08 02:00 Some(Gap)"]);
}

#[test]
fn daily_windows_are_renewed_at_midnight_utc() {
    let limit = TimeDelta::hours(48);
    let decisions = rehearse(&[(&Recent, limit)], &nightly(), SchedulerState::Running, "2026-06-02", 1);
    let expected = [
        "06-02 02:00 run of 2026-06-02 02:00 None",
        "06-02 19:00 top-up of recent_volunteers_report_cache Clock",
    ];
    assert_eq!(decisions, expected);
}

#[test]
fn a_new_year_is_filled_when_it_begins() {
    let limit = TimeDelta::days(3);
    let reports: [(&'static dyn Report, TimeDelta); 2] = [(&VirtualSessions, limit), (&FirstTime, limit)];
    let decisions = rehearse(&reports, &nightly(), SchedulerState::Running, "2026-07-31", 2);
    let expected = [
        "07-31 00:00 top-up of virtual_session_report_cache Clock",
        "07-31 02:00 run of 2026-07-31 02:00 None",
        "08-01 00:00 top-up of first_time_volunteer_report_cache Clock",
        "08-01 02:00 run of 2026-08-01 02:00 None",
    ];
    assert_eq!(decisions, expected);
    let decisions = rehearse(&reports, &nightly(), SchedulerState::Running, "2027-01-01", 1);
    let expected = [
        "01-01 00:00 top-up of virtual_session_report_cache Clock",
        "01-01 02:00 run of 2027-01-01 02:00 None",
    ];
    assert_eq!(decisions, expected);
}

#[test]
fn a_stopped_scheduler_has_slots_but_no_top_ups() {
    let reports: [(&'static dyn Report, TimeDelta); 1] = [(&Recent, DAY)];
    let decisions = rehearse(&reports, &nightly(), SchedulerState::Stopped, "2026-06-02", 2);
    let expected = ["06-02 02:00 run of 2026-06-02 02:00 None", "06-03 02:00 run of 2026-06-03 02:00 None"];
    assert_eq!(decisions, expected);
}

#[test]
fn top_ups_between_rare_runs_stay_at_the_time_of_day_of_the_schedule() {
    let sundays = Schedule::cron(&"0 0 2 * * SUN".parse().unwrap(), Chicago);
    let reports: [(&'static dyn Report, TimeDelta); 1] = [(&FirstTime, DAY)];
    let decisions = rehearse(&reports, &sundays, SchedulerState::Running, "2026-06-01", 60);
    let times: BTreeSet<&str> = decisions.iter().map(|decision| &decision[6..11]).collect();
    assert_eq!(times.into_iter().collect::<Vec<_>>(), ["02:00"]);
    assert_eq!(decisions.len(), 60, "{decisions:#?}");
    let runs = decisions.iter().filter(|decision| decision.contains("run of"));
    assert_eq!(runs.count(), 8);
}

#[test]
fn days_begin_and_end_at_midnight_of_the_zone() {
    let midnight = Schedule::every("00:00", 24, Chicago).unwrap();
    let decisions = rehearse(&[], &midnight, SchedulerState::Running, "2026-06-02", 2);
    let expected = ["06-02 00:00 run of 2026-06-02 00:00 None", "06-03 00:00 run of 2026-06-03 00:00 None"];
    assert_eq!(decisions, expected);
}

#[test]
fn without_slots_all_renewals_are_top_ups() {
    let never = Schedule::never(Chicago);
    let reports: [(&'static dyn Report, TimeDelta); 1] = [(&FirstTime, DAY)];
    let decisions = rehearse(&reports, &never, SchedulerState::Running, "2026-06-02", 2);
    let expected = [
        "06-02 23:00 top-up of first_time_volunteer_report_cache Expiring",
        "06-03 22:00 top-up of first_time_volunteer_report_cache Expiring",
    ];
    assert_eq!(decisions, expected);
}
