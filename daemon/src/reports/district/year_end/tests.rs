//! Rules of the year-end report that are easy to get wrong.

use serde_json::{Value, json};

use super::YearEnd;
use crate::reports::Mode;
use crate::reports::testing::{ALDER, CENTER, World, key, partnered, two_districts};
use crate::vms::tables::Table;
use crate::vms::time::Stored;

const PARTNER: Option<&str> = Some("Center School District");

/// Returns `report_data` and `events_data` of a district.
fn columns(source: &World, mode: Mode, district: i64) -> [Value; 2] {
    source.columns(&YearEnd, mode, &key(&["2526", "all", &district.to_string()]))
}

fn exact(source: &World, district: i64) -> [Value; 2] {
    columns(source, Mode::Exact, district)
}

/// Returns the events of a district's calendar, month by month.
fn calendar(source: &World, district: i64) -> Vec<Value> {
    let [_, events_data] = exact(source, district);
    let months = events_data["events_by_month"].as_object().unwrap().values();
    months.flat_map(|month| month["events"].as_array().unwrap().clone()).collect()
}

#[test]
fn every_active_district_has_a_row_in_every_year_in_the_order_of_the_mapping() {
    let mut source = two_districts();
    for year in ["2021", "2829"] {
        source = source.has_row(Table::DistrictYearEndReports, key(&[year, "all", "7"]));
    }
    let years = ["2021", "2425", "2526", "2627"];
    let expected: Vec<_> =
        years.iter().flat_map(|year| ["7", "3"].map(|id| key(&[year, "all", id]))).collect();
    assert_eq!(source.keys(&YearEnd), expected);
    let groups = source.groups(&YearEnd, Mode::Fixed);
    assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), years);
    assert_eq!(source.built(&YearEnd), expected);
}

#[test]
fn rows_of_districts_that_are_no_longer_active_are_removed() {
    let mut source = two_districts();
    let inactive: &[&str] = &["2526", "all", "9"];
    let others: [&[&str]; 3] = [&["2526", "prepkc", "9"], &["2526", "all", "7"], &["2829", "all", "9"]];
    for row in [inactive, others[0], others[1], others[2]] {
        source = source.has_row(Table::DistrictYearEndReports, key(row));
    }
    assert_eq!(source.retired(&YearEnd), [key(inactive)]);
}

#[test]
fn every_school_is_listed_by_level_and_name_and_finds_its_events_by_name() {
    let mut source = two_districts();
    for (id, name, level) in [
        ("1", "Zeta", Some("Middle")),
        ("2", "Beta", Some("Middle")),
        ("3", "K8", Some("K8")),
        ("4", "No", None),
    ] {
        source = source.school(id, name, CENTER, level);
    }
    for (id, school) in [(1, "South High"), (2, "c-high")] {
        let mut event = partnered(id, Some("DIA"), PARTNER);
        event.school = Some(school.into());
        source.events.push(event);
        source = source.took_part(id, 30, "Attended", Some(1.5));
    }
    source = source.counted(1, Some(40));
    let [_, events] = exact(&source, CENTER);
    let levels = events["schools_by_level"].as_object().unwrap();
    let shown: Vec<_> = levels
        .iter()
        .map(|(level, schools)| {
            let names = schools.as_array().unwrap().iter().map(|school| school["name"].as_str().unwrap());
            format!("{level}: {}", names.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(shown, ["High: South High", "Middle: Beta Zeta", "Elementary: ", "Other: K8 No"]);
    assert_eq!(
        events["schools_by_level"]["High"][0].to_string(),
        concat!(
            r#"{"name":"South High","total_students":40,"total_volunteers":1,"total_volunteer_hours":1.5,"#,
            r#""unique_volunteer_count":1,"events":[{"id":1,"title":"Event 1","date":"09/05/2025","#,
            r#""time":"09:05 AM","type":"dia","students":40,"volunteers":1,"volunteer_hours":1.5}]}"#
        )
    );
}

const BOTH: &str = "Center School District and Alder School District";

#[test]
fn totals_calendar_and_programs_count_students_by_different_rules() {
    // Two of Center's students attended; staff counted, or did not.
    for (case, partner, links, counted, totals, calendar_students) in [
        ("counted by staff", "Center School District", &[][..], Some(12), 12, 12),
        ("zero is a count", "Center School District", &[], Some(0), 0, 0),
        ("not counted", "Center School District", &[], None, 2, 2),
        ("a comma in the partner", "Center School District, Acme", &[], Some(12), 2, 12),
        ("two linked districts, one active", "Center School District", &[CENTER, 8], Some(12), 2, 12),
        ("one linked district", "Center School District", &[CENTER], Some(12), 12, 12),
        ("a link to a missing district", "Center School District", &[CENTER, 99], Some(12), 12, 12),
        ("shared, no comma", BOTH, &[], Some(12), 12, 2),
        ("shared by links", "", &[CENTER, ALDER], Some(12), 2, 2),
    ] {
        let mut source = two_districts();
        source.events.push(partnered(1, Some("DIA"), Some(partner)));
        for &district in links {
            source = source.in_district(1, district);
        }
        source = source.counted(1, counted);
        source = source.attended(1, 10, "c-high");
        source = source.attended(1, 11, "c-high");
        source = source.attended(1, 12, "a-high");
        let [report, events] = exact(&source, CENTER);
        assert_eq!(report["total_students"], totals, "{case}: totals");
        assert_eq!(report["enhanced"]["students"]["in_person"], totals, "{case}: enhanced");
        let month = &events["events_by_month"]["September 2025"];
        assert_eq!(month["total_students"], calendar_students, "{case}: calendar");
        assert_eq!(report["program_breakdown"]["dia_students"]["total"], 2, "{case}: program");
        assert_eq!(report["unique_student_count"], 2, "{case}: unique");
    }
}

#[test]
fn virtual_students_are_assumed_from_teachers_of_any_school() {
    for (kind, sessions) in [("VIRTUAL_SESSION", 1), ("CONNECTOR_SESSION", 0)] {
        let mut source = two_districts();
        for id in [1, 2] {
            source.events.push(partnered(id, Some(kind), PARTNER));
            source = source.registered(id, 20, "attended");
        }
        source = source.registered(1, 21, "registered");
        source = source.registered(1, 22, "Attended");
        source = source.registered(1, 23, "no_show");
        source = source.counted(1, Some(400));
        source = source.attended(1, 10, "c-high");
        let [report, _] = exact(&source, CENTER);
        assert_eq!(report["total_virtual_students"], 75, "{kind}");
        assert_eq!(report["unique_student_count"], 50, "{kind}");
        let reached = &report["enhanced"]["virtual_sessions"];
        assert_eq!((&reached["classrooms_reached"], &reached["registered_teachers"]), (&3.into(), &5.into()));
        let program = &report["program_breakdown"]["virtual_sessions"];
        assert_eq!(program["session_count"], 2 * sessions, "{kind}");
        assert_eq!(program["students_participated"]["total"], 75 * sessions, "{kind}");
        let first = &calendar(&source, CENTER)[0];
        assert_eq!((&first["students"], &first["has_attendance_detail"]), (&50.into(), &true.into()));
    }
}

#[test]
fn fairs_count_students_of_high_schools_only() {
    let mut source = two_districts();
    source = source.school("c-k8", "South K-8", CENTER, Some("high"));
    source.events.push(partnered(1, Some("CAREER_FAIR"), PARTNER));
    source = source.attended(1, 10, "c-high");
    source = source.attended(1, 11, "c-k8");
    let [report, _] = exact(&source, CENTER);
    let breakdown = &report["program_breakdown"];
    assert_eq!(breakdown["in_person_students"]["total"], 2);
    assert_eq!(breakdown["career_college_fair_hs_students"]["total"], 1);
    assert_eq!(breakdown["_unique_sets"]["career_college_fair_hs_students"], json!([10]));
}

#[test]
fn a_student_without_a_contact_is_not_in_the_roster() {
    let mut source = two_districts();
    source.events.push(partnered(1, Some("DIA"), PARTNER));
    source = source.attended(1, 10, "c-high");
    source.contacts.clear();
    assert_eq!(exact(&source, CENTER)[0]["total_students"], 0);
}

#[test]
fn only_an_event_in_person_without_students_and_without_a_count_needs_attendance() {
    for (kind, counted, needs) in [
        (Some("DIA"), None, true),
        (None, None, true),
        (Some("DIA"), Some(0), false),
        (Some("VIRTUAL_SESSION"), None, false),
    ] {
        let mut source = two_districts();
        source.events.push(partnered(1, kind, PARTNER));
        source = source.counted(1, counted);
        assert_eq!(calendar(&source, CENTER)[0]["needs_attendance"], needs, "{kind:?} {counted:?}");
    }
}

#[test]
fn names_are_found_anywhere_in_the_partner_or_in_linked_names() {
    for (case, partner, link, school, alder) in [
        ("the name, in any case", Some("with ALDER SCHOOL DISTRICT!"), None, None, true),
        ("an alias", Some("alder hills"), None, None, true),
        ("a school", Some("Visit to north high"), None, None, true),
        ("letters beyond ASCII are folded", Some("élan"), None, None, true),
        ("an alias in the name of another district", None, Some(9), None, true),
        ("a link to the district itself", None, Some(ALDER), None, true),
        ("the school of the event", None, None, Some("a-high"), false),
        ("half a name", Some("Alder"), None, None, false),
        ("nothing", None, None, None, false),
    ] {
        let mut source = two_districts();
        source = source.school("a-elan", "ÉLAN", ALDER, None);
        let mut event = partnered(1, Some("DIA"), partner);
        event.school = school.map(Into::into);
        source.events.push(event);
        if let Some(district) = link {
            source = source.in_district(1, district);
        }
        assert_eq!(exact(&source, ALDER)[0]["total_events"], i64::from(alder), "{case}");
    }
}

#[test]
fn a_school_without_a_name_matches_every_event() {
    let mut source = two_districts();
    source = source.school("a-blank", "", ALDER, None);
    source.events.push(partnered(1, Some("DIA"), None));
    assert_eq!(exact(&source, ALDER)[0]["total_events"], 1);
    assert_eq!(exact(&source, CENTER)[0]["total_events"], 0);
}

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
        let mut source = two_districts();
        let mut event = partnered(1, Some(kind), PARTNER);
        event.duration = minutes;
        event.school = Some("South High".into());
        source.events.push(event);
        source = source.took_part(1, 30, "Attended", hours);
        source = source.member(30, 5);
        let [report, events] = exact(&source, CENTER);
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
fn a_sum_is_not_rounded_and_an_empty_sum_is_an_integer() {
    let mut source = two_districts();
    let [empty, _] = exact(&source, CENTER);
    assert_eq!(empty["total_volunteer_hours"].to_string(), "0");
    assert_eq!(empty["enhanced"]["events"]["virtual_pct"].to_string(), "0");
    source.events.push(partnered(1, Some("DIA"), PARTNER));
    source = source.took_part(1, 30, "Attended", Some(0.1));
    source = source.took_part(1, 31, "Attended", Some(0.2));
    let [report, _] = exact(&source, CENTER);
    assert_eq!(report["total_volunteer_hours"].to_string(), "0.30000000000000004");
    assert_eq!(report["enhanced"]["events"]["virtual_pct"].to_string(), "0.0");
    assert_eq!(report["enhanced"]["events"]["in_person_pct"].to_string(), "100.0");
}

#[test]
fn percentages_are_rounded_half_to_even() {
    // 1 of 16 is 6.25 percent, 3 of 16 is 18.75 percent.
    for (virtual_events, shown) in [(1, "6.2"), (3, "18.8")] {
        let mut source = two_districts();
        for id in 0..16 {
            let kind = if id < virtual_events { "VIRTUAL_SESSION" } else { "DIA" };
            source.events.push(partnered(id, Some(kind), PARTNER));
        }
        assert_eq!(exact(&source, CENTER)[0]["enhanced"]["events"]["virtual_pct"].to_string(), shown);
    }
}

#[test]
fn a_volunteer_of_two_organizations_counts_for_both() {
    let mut source = two_districts();
    source.events.push(partnered(1, Some("DIA"), PARTNER));
    source.events.push(partnered(2, Some("VIRTUAL_SESSION"), PARTNER));
    source = source.took_part(1, 30, "Attended", Some(2.0));
    source = source.took_part(2, 30, "Attended", Some(1.0));
    source = source.member(30, 5);
    source = source.member(30, 6);
    let [report, _] = exact(&source, CENTER);
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
        let mut source = two_districts();
        source.events.push(partnered(1, Some("DIA"), PARTNER));
        source = source.took_part(1, 30, "Attended", None);
        source.participations[0].status = status.map(Into::into);
        assert_eq!(exact(&source, CENTER)[0]["total_volunteers"], counts, "{status:?}");
    }
}

#[test]
fn fixed_mode_repeats_both_counts_under_the_names_of_the_excel_file() {
    let keys = |mode| {
        let mut source = two_districts();
        source.events.push(partnered(1, None, PARTNER));
        source = source.attended(1, 10, "c-high");
        source = source.took_part(1, 30, "Attended", None);
        source = source.took_part(1, 31, "Attended", None);
        let [_, events_data] = columns(&source, mode, CENTER);
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
fn months_and_types_are_in_the_order_of_events() {
    let mut source = two_districts();
    for (id, start, kind) in [
        (1, "2026-04-01 00:00:00.000000", "DIA"),
        (2, "2025-09-30 23:59:00.000000", "SLA"),
        (3, "2025-12-01 12:00:00.000000", "BFI"),
        (4, "2025-09-01 08:00:00.000000", "DIA"),
    ] {
        let mut event = partnered(id, Some(kind), PARTNER);
        event.start = Stored::read(start);
        source.events.push(event);
    }
    let [report, events] = exact(&source, CENTER);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&events["events_by_month"]), ["September 2025", "December 2025", "April 2026"]);
    assert_eq!(keys(&report["event_types"]), ["dia", "sla", "bfi"]);
    let times: Vec<_> = calendar(&source, CENTER).iter().map(|event| event["time"].clone()).collect();
    assert_eq!(times, ["08:00 AM", "11:59 PM", "12:00 PM", "12:00 AM"]);
}

#[test]
fn events_on_the_evening_of_31_july_and_unfinished_events_do_not_count() {
    for (start, status, counts) in [
        ("2025-08-01 00:00:00.000000", "COMPLETED", 1),
        ("2026-07-31 00:00:00.000000", "COMPLETED", 1),
        ("2026-07-31 00:00:01.000000", "COMPLETED", 0),
        ("2025-09-05 09:05:00.000000", "CONFIRMED", 0),
    ] {
        let mut source = two_districts();
        let mut event = partnered(1, Some("DIA"), PARTNER);
        (event.start, event.status) = (Stored::read(start), Some(status.into()));
        source.events.push(event);
        assert_eq!(exact(&source, CENTER)[0]["total_events"], counts, "{start} {status}");
    }
}
