//! Hours, percentages and the other figures, including their printed form.

use super::{calendar, exact};
use crate::reports::Mode;
use crate::reports::district::fixture::{self, CENTER, Rows, event, source};
use crate::reports::district::year_end::YearEnd;
use crate::vms::time::Stored;

const PARTNER: Option<&str> = Some("Center School District");

#[test]
fn a_virtual_event_without_hours_gets_them_from_its_duration() {
    for (kind, minutes, hours, shown) in [
        ("VIRTUAL_SESSION", Some(30), None, "1.0"),
        ("VIRTUAL_SESSION", Some(61), Some(0.0), "2.0"),
        ("CONNECTOR_SESSION", Some(60), None, "1.0"),
        ("VIRTUAL_SESSION", Some(60), Some(0.5), "0.5"),
        ("VIRTUAL_SESSION", Some(0), None, "0"),
        ("VIRTUAL_SESSION", None, None, "0"),
        ("DIA", Some(60), None, "0"),
    ] {
        let mut source = source();
        let mut event = event(1, Some(kind), PARTNER);
        event.duration = minutes;
        event.school = Some("South High".into());
        source.events.push(event);
        source.volunteer(1, 30, hours);
        source.member(30, 5);
        let (report, events) = exact(&source, CENTER);
        let case = format!("{kind} {minutes:?} {hours:?}");
        assert_eq!(calendar(&source, CENTER)[0]["volunteer_hours"].to_string(), shown, "{case}");
        assert_eq!(report["total_volunteer_hours"].to_string(), shown, "{case}");
        // Neither organizations nor schools get hours from a duration.
        let entered =
            hours.filter(|&hours| hours != 0.0).map_or("0".to_owned(), |hours| format!("{hours:?}"));
        let organizations = &report["enhanced"]["organizations"];
        assert_eq!(organizations["volunteer_hours_total"].to_string(), entered, "{case}");
        let school = &events["schools_by_level"]["High"][0];
        assert_eq!(school["total_volunteer_hours"].to_string(), entered, "{case}");
    }
}

#[test]
fn a_sum_is_not_rounded_and_nothing_is_an_integer() {
    let mut source = source();
    let (empty, _) = exact(&source, CENTER);
    assert_eq!(empty["total_volunteer_hours"].to_string(), "0");
    assert_eq!(empty["enhanced"]["events"]["virtual_pct"].to_string(), "0");
    source.events.push(event(1, Some("DIA"), PARTNER));
    source.volunteer(1, 30, Some(0.1));
    source.volunteer(1, 31, Some(0.2));
    let (report, _) = exact(&source, CENTER);
    assert_eq!(report["total_volunteer_hours"].to_string(), "0.30000000000000004");
    assert_eq!(report["enhanced"]["events"]["virtual_pct"].to_string(), "0.0");
    assert_eq!(report["enhanced"]["events"]["in_person_pct"].to_string(), "100.0");
}

#[test]
fn percentages_are_rounded_half_to_even() {
    // 1 of 16 is 6.25 percent, 3 of 16 is 18.75 percent.
    for (virtual_events, shown) in [(1, "6.2"), (3, "18.8")] {
        let mut source = source();
        for id in 0..16 {
            let kind = if id < virtual_events { "VIRTUAL_SESSION" } else { "DIA" };
            source.events.push(event(id, Some(kind), PARTNER));
        }
        assert_eq!(exact(&source, CENTER).0["enhanced"]["events"]["virtual_pct"].to_string(), shown);
    }
}

#[test]
fn a_volunteer_of_two_organizations_counts_for_both() {
    let mut source = source();
    source.events.push(event(1, Some("DIA"), PARTNER));
    source.events.push(event(2, Some("VIRTUAL_SESSION"), PARTNER));
    source.volunteer(1, 30, Some(2.0));
    source.volunteer(2, 30, Some(1.0));
    source.member(30, 5);
    source.member(30, 6);
    let (report, _) = exact(&source, CENTER);
    let organizations = &report["enhanced"]["organizations"];
    for (figure, shown) in [
        ("total", "0"),
        ("unique_total", "2"),
        ("unique_virtual_pct", "100.0"),
        ("volunteer_hours_total", "6.0"),
        ("volunteer_hours_virtual", "2.0"),
        ("volunteer_hours_in_person_pct", "66.7"),
    ] {
        assert_eq!(organizations[figure].to_string(), shown, "{figure}");
    }
    let volunteers = &report["enhanced"]["volunteers"];
    assert_eq!((&volunteers["total"], &volunteers["unique_total"]), (&2.into(), &1.into()));
}

#[test]
fn only_volunteers_who_took_part_count() {
    for (status, counts) in [
        (Some("Attended"), 1),
        (Some("Completed"), 1),
        (Some("Successfully Completed"), 1),
        (Some("attended"), 0),
        (Some("No-Show"), 0),
        (None, 0),
    ] {
        let mut source = source();
        source.events.push(event(1, Some("DIA"), PARTNER));
        source.volunteer(1, 30, None);
        source.participations[0].status = status.map(Into::into);
        assert_eq!(exact(&source, CENTER).0["total_volunteers"], counts, "{status:?}");
    }
}

#[test]
fn fixed_mode_repeats_both_counts_under_the_names_of_the_excel_file() {
    let keys = |mode| {
        let mut source = source();
        source.events.push(event(1, None, PARTNER));
        source.student(1, 10, "c-high");
        source.volunteer(1, 30, None);
        source.volunteer(1, 31, None);
        let events_data = fixture::payload(&YearEnd, &source, mode, CENTER).remove(1);
        let event = events_data["events_by_month"]["September 2025"]["events"][0].clone();
        let pairs = event.as_object().unwrap().iter().map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    let exact = "id=1 title=\"Event 1\" date=\"09/05/2025\" time=\"09:05 AM\" type=\"Unknown\" location=\"\" \
                 students=1 volunteers=2 volunteer_hours=0 has_attendance_detail=false needs_attendance=false";
    assert_eq!(keys(Mode::Exact), exact);
    assert_eq!(keys(Mode::Fixed), format!("{exact} student_count=1 volunteer_count=2"));
}

#[test]
fn months_and_types_stand_in_the_order_of_events() {
    let mut source = source();
    for (id, start, kind) in [
        (1, "2026-04-01 00:00:00.000000", "DIA"),
        (2, "2025-09-30 23:59:00.000000", "SLA"),
        (3, "2025-12-01 12:00:00.000000", "BFI"),
        (4, "2025-09-01 08:00:00.000000", "DIA"),
    ] {
        let mut event = event(id, Some(kind), PARTNER);
        event.start = Stored::read(start);
        source.events.push(event);
    }
    let (report, events) = exact(&source, CENTER);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&events["events_by_month"]), ["September 2025", "December 2025", "April 2026"]);
    assert_eq!(keys(&report["event_types"]), ["dia", "sla", "bfi"]);
    let times: Vec<_> = calendar(&source, CENTER).iter().map(|event| event["time"].clone()).collect();
    assert_eq!(times, ["08:00 AM", "11:59 PM", "12:00 PM", "12:00 AM"]);
}

#[test]
fn the_evening_of_31_july_and_unfinished_events_are_left_out() {
    for (start, status, counts) in [
        ("2025-08-01 00:00:00.000000", "COMPLETED", 1),
        ("2026-07-31 00:00:00.000000", "COMPLETED", 1),
        ("2026-07-31 00:00:01.000000", "COMPLETED", 0),
        ("2025-09-05 09:05:00.000000", "CONFIRMED", 0),
    ] {
        let mut source = source();
        let mut event = event(1, Some("DIA"), PARTNER);
        (event.start, event.status) = (Stored::read(start), Some(status.into()));
        source.events.push(event);
        assert_eq!(exact(&source, CENTER).0["total_events"], counts, "{start} {status}");
    }
}
