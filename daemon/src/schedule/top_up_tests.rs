use super::*;

const TABLE: Table = Table::DiaEventsReportCache;

fn utc(text: &str) -> DateTime<Utc> {
    format!("2026-06-{text}:00Z").replacen(' ', "T", 1).parse().unwrap()
}

/// The night of the 2nd: the run begins at 07:00 and is expected to end at 07:10.
fn renewal() -> Renewal<'static> {
    let (expected, lead, tolerance) = (TimeDelta::minutes(10), TimeDelta::hours(1), TimeDelta::minutes(15));
    Renewal { ends: Some(utc("02 07:10")), tolerance, expected, lead, daily: None }
}

/// A table that needs nothing: generated late on the 1st.
fn content() -> Condition {
    Condition {
        table: TABLE,
        unfit: false,
        outdated: false,
        renewal_times: RenewalTimes { expires: Some(utc("02 22:00")), ..RenewalTimes::default() },
        keys_changed: None,
        tried: None,
        busy: false,
    }
}

/// Why the table is topped up, if it is, and when the next decision is due.
fn at(now: &str, condition: Condition) -> (Option<Cause>, String) {
    let plan = plan(&[condition], utc(now), &renewal());
    let next_decision =
        plan.next_decision.map_or_else(|| "never".to_owned(), |at| at.format("%d %H:%M").to_string());
    (plan.tables.first().map(|&(_, cause)| cause), next_decision)
}

#[test]
fn entries_that_the_next_run_renews_in_time_are_left_to_it() {
    for now in ["01 22:00", "02 06:59", "02 07:00"] {
        assert_eq!(at(now, content()), (None, "never".to_owned()), "{now}");
    }
}

#[test]
fn entries_that_the_next_run_renews_too_late_are_topped_up_before_their_limit() {
    for (expires, from) in [("02 06:54", "02 05:54"), ("02 06:00", "02 05:00"), ("01 20:00", "01 19:00")] {
        let renewal_times = RenewalTimes { expires: Some(utc(expires)), ..RenewalTimes::default() };
        let condition = Condition { renewal_times, ..content() };
        assert_eq!(at("01 12:00", condition), (None, from.to_owned()), "{expires}");
        assert_eq!(at(from, condition), (Some(Cause::Expiring), "never".to_owned()), "{expires}");
    }
    let renewal_times = RenewalTimes { expires: Some(utc("02 06:55")), ..RenewalTimes::default() };
    assert_eq!(at("02 06:59", Condition { renewal_times, ..content() }), (None, "never".to_owned()));
}

#[test]
fn an_unfit_entry_is_renewed_at_once_but_not_repeatedly() {
    let unfit = Condition { unfit: true, ..content() };
    assert_eq!(at("01 12:00", unfit), (Some(Cause::Unfit), "never".to_owned()));
    let tried = Condition { tried: Some(utc("01 11:30")), ..unfit };
    assert_eq!(at("01 12:00", tried), (None, "01 12:30".to_owned()));
    assert_eq!(at("01 12:30", tried), (Some(Cause::Unfit), "never".to_owned()));
}

#[test]
fn entries_of_other_settings_are_renewed_at_once_whatever_was_tried_before() {
    let tried = Condition { unfit: true, tried: Some(utc("01 11:59")), ..content() };
    assert_eq!(at("01 12:00", tried), (None, "01 12:59".to_owned()));
    assert_eq!(
        at("01 12:00", Condition { outdated: true, ..tried }),
        (Some(Cause::Settings), "never".to_owned())
    );
}

#[test]
fn a_table_with_an_unfinished_job_is_not_topped_up() {
    let renewal_times = RenewalTimes { next_keys: Some(utc("02 00:00")), ..RenewalTimes::default() };
    let busy = Condition { unfit: true, busy: true, renewal_times, ..content() };
    assert_eq!(at("01 12:00", busy), (None, "01 12:01".to_owned()), "its run may have begun before");
    assert_eq!(at("01 12:00", Condition { unfit: false, ..busy }), (None, "02 00:00".to_owned()));
    // The run of 23:30 is still in progress when the day changes.
    let renewal_times = RenewalTimes { next_payloads: Some(utc("02 00:00")), ..content().renewal_times };
    let busy = Condition { unfit: false, renewal_times, tried: Some(utc("01 23:30")), ..busy };
    assert_eq!(at("02 00:00", busy), (None, "02 00:01".to_owned()));
    assert_eq!(
        at("02 00:01", Condition { busy: false, ..busy }),
        (Some(Cause::Clock), "never".to_owned()),
        "at once"
    );
}

#[test]
fn entries_that_the_clock_renews_before_their_limit_are_left_to_it() {
    for (next_payloads, cause) in [
        ("02 00:00", None),
        ("02 00:20", None),
        // The run would not end before the limit.
        ("02 00:21", Some(Cause::Expiring)),
    ] {
        let (expires, next_payloads) = (Some(utc("02 00:30")), Some(utc(next_payloads)));
        let renewal_times = RenewalTimes { expires, next_payloads, ..RenewalTimes::default() };
        let condition = Condition { renewal_times, ..content() };
        assert_eq!(at("01 23:45", condition).0, cause, "{next_payloads:?}");
    }
}

#[test]
fn payloads_that_change_with_time_are_renewed_when_they_do() {
    let renewal_times = RenewalTimes { next_payloads: Some(utc("02 00:00")), ..content().renewal_times };
    let tried = Some(utc("01 23:30"));
    let condition = Condition { renewal_times, tried, ..content() };
    assert_eq!(at("01 23:59", condition), (None, "02 00:00".to_owned()));
    // The last attempt was half an hour ago, before the change.
    assert_eq!(at("02 00:00", condition), (Some(Cause::Clock), "never".to_owned()));
    let tried = Some(utc("02 00:00"));
    assert_eq!(at("02 00:05", Condition { tried, ..condition }), (None, "02 01:00".to_owned()));
}

#[test]
fn new_keys_are_filled_when_time_adds_them() {
    let renewal_times = RenewalTimes { next_keys: Some(utc("02 00:00")), ..content().renewal_times };
    let condition = Condition { renewal_times, tried: Some(utc("01 23:30")), ..content() };
    assert_eq!(at("01 23:59", condition), (None, "02 00:00".to_owned()));
    let renewal_times = RenewalTimes { next_keys: Some(utc("03 00:00")), ..renewal_times };
    let keys_changed = Condition { renewal_times, keys_changed: Some(utc("02 00:00")), ..condition };
    assert_eq!(at("02 00:00", keys_changed), (None, "03 00:00".to_owned()), "no entry is missing");
    let missing = Condition { unfit: true, ..keys_changed };
    assert_eq!(at("02 00:00", missing), (Some(Cause::Clock), "03 00:00".to_owned()));
}

#[test]
fn without_a_next_run_every_entry_is_topped_up_before_its_limit() {
    let never = Renewal { ends: None, ..renewal() };
    let quiet = plan(&[content()], utc("02 20:59"), &never);
    assert_eq!(quiet, Plan { tables: Vec::new(), next_decision: Some(utc("02 21:00")) });
    assert_eq!(plan(&[content()], utc("02 21:00"), &never).tables, [(TABLE, Cause::Expiring)]);
}

#[test]
fn tables_that_need_a_top_up_share_one_run() {
    let soon = RenewalTimes { next_keys: Some(utc("01 13:00")), ..RenewalTimes::default() };
    let later = RenewalTimes { next_keys: Some(utc("01 14:00")), ..RenewalTimes::default() };
    let other = Table::RecentVolunteersReportCache;
    let conditions = [
        Condition { unfit: true, renewal_times: later, ..content() },
        Condition { table: other, unfit: true, renewal_times: soon, ..content() },
    ];
    let plan = plan(&conditions, utc("01 12:00"), &renewal());
    assert_eq!(plan.tables, [(TABLE, Cause::Unfit), (other, Cause::Unfit)]);
    assert_eq!(plan.next_decision, Some(utc("01 13:00")));
}

#[test]
fn the_expected_duration_is_twice_the_longest_within_bounds() {
    for (seconds, minutes) in [
        (&[][..], 10),
        (&[3.0, 41.0], 10),
        (&[60.0, 900.0, 120.0], 30),
        (&[f64::NAN, f64::INFINITY, 1_000_000.0], 12 * 60),
    ] {
        assert_eq!(expected(seconds.iter().copied()), TimeDelta::minutes(minutes), "{seconds:?}");
    }
}

#[test]
fn the_next_run_ends_after_its_fire() {
    let schedule = Schedule::every("02:00", 24, chrono_tz::America::Chicago).unwrap();
    let now = "2026-03-07T18:00:00Z".parse().unwrap();
    let tolerance = TimeDelta::minutes(15);
    let renewal = Renewal::next(&schedule, now, TimeDelta::minutes(90), tolerance);
    // The clock goes forward in that night: 02:00 is 08:00 UTC.
    assert_eq!(renewal.ends, Some("2026-03-08T09:30:00Z".parse().unwrap()));
    assert_eq!(renewal.lead, TimeDelta::minutes(90));
    let short = TimeDelta::minutes(10);
    assert_eq!(Renewal::next(&schedule, now, short, tolerance).lead, TimeDelta::hours(1));
    // An entry that lasts until the end of the run, less the tolerance, needs no top-up; the tolerance is
    // the duration at least.
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    for (expected, tolerance, lasts) in
        [(90, 15, "2026-03-08T08:00:00Z"), (10, 15, "2026-03-08T07:55:00Z"), (10, 60, "2026-03-08T07:10:00Z")]
    {
        let (expected, tolerance) = (TimeDelta::minutes(expected), TimeDelta::minutes(tolerance));
        let renewal = Renewal::next(&schedule, now, expected, tolerance);
        assert_eq!(renewal.top_up_at(None, at(lasts)), None, "{lasts}");
        assert!(renewal.top_up_at(None, at(lasts) - TimeDelta::seconds(1)).is_some(), "{lasts}");
    }
    let never = Schedule::never(chrono_tz::UTC);
    assert_eq!(Renewal::next(&never, now, short, tolerance).deadline(), DateTime::<Utc>::MAX_UTC);
}

#[test]
fn on_days_without_a_run_top_ups_are_made_at_its_time_of_day() {
    let sundays = Schedule::cron(&"0 0 2 * * SUN".parse().unwrap(), chrono_tz::America::Chicago);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let top_up_at = |now: &str, generated: &str, hours| {
        let short = TimeDelta::minutes(10);
        let renewal = Renewal::next(&sundays, at(now), short, short);
        let generated = at(generated);
        renewal.top_up_at(Some(generated), generated + TimeDelta::hours(hours)).unwrap()
    };
    for (generated, hours, expected) in [
        // 02:00 in Chicago is 07:00 UTC, and 7 June 2026 is a Sunday.
        ("2026-06-07T07:00:00Z", 24, "2026-06-08T07:00:00Z"),
        ("2026-06-08T06:00:00Z", 24, "2026-06-09T06:00:00Z"),
        ("2026-06-08T07:00:00Z", 24, "2026-06-09T07:00:00Z"),
        ("2026-06-09T12:00:00Z", 24, "2026-06-10T07:00:00Z"),
        ("2026-06-08T07:00:00Z", 48, "2026-06-10T07:00:00Z"),
        // A limit below one day leaves no choice.
        ("2026-06-08T07:00:00Z", 6, "2026-06-08T12:00:00Z"),
    ] {
        assert_eq!(top_up_at(generated, generated, hours), at(expected), "{generated} {hours}");
    }
    // The night in which the clock goes back is an hour longer.
    let night = "2026-10-31T07:00:00Z";
    assert_eq!(top_up_at(night, night, 24), at("2026-11-01T07:00:00Z"));
}
