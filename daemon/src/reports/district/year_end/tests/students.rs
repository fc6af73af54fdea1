//! Students: three rules that do not agree, and which events count for which district.

use super::{calendar, exact};
use crate::reports::district::fixture::{self, ALDER, CENTER, Rows, event, source};

const BOTH: &str = "Center School District and Alder School District";

#[test]
fn totals_calendar_and_programs_count_students_differently() {
    // Two of Center's students attended; staff counted, or did not.
    for (case, partner, links, counted, totals, calendar_students) in [
        ("counted by staff", "Center School District", &[][..], Some(12), 12, 12),
        ("zero is a count", "Center School District", &[], Some(0), 0, 0),
        ("not counted", "Center School District", &[], None, 2, 2),
        ("a comma in the partner", "Center School District, Acme", &[], Some(12), 2, 12),
        ("two linked districts, one active", "Center School District", &[CENTER, 8], Some(12), 2, 12),
        ("one linked district", "Center School District", &[CENTER], Some(12), 12, 12),
        ("a link to nowhere", "Center School District", &[CENTER, 99], Some(12), 12, 12),
        ("shared, no comma", BOTH, &[], Some(12), 12, 2),
        ("shared by links", "", &[CENTER, ALDER], Some(12), 2, 2),
    ] {
        let mut source = source();
        source.events.push(event(1, Some("DIA"), Some(partner)));
        for &district in links {
            source.link(1, district);
        }
        source.counted(1, counted);
        source.student(1, 10, "c-high");
        source.student(1, 11, "c-high");
        source.student(1, 12, "a-high");
        let (report, events) = exact(&source, CENTER);
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
        let mut source = source();
        for id in [1, 2] {
            source.events.push(event(id, Some(kind), Some("Center School District")));
            source.teacher(id, 20, "attended");
        }
        source.teacher(1, 21, "registered");
        source.teacher(1, 22, "Attended");
        source.teacher(1, 23, "no_show");
        source.counted(1, Some(400));
        source.student(1, 10, "c-high");
        let (report, _) = exact(&source, CENTER);
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
    let mut source = source();
    source.schools.push(fixture::school("c-k8", "South K-8", CENTER, Some("high")));
    source.events.push(event(1, Some("CAREER_FAIR"), Some("Center School District")));
    source.student(1, 10, "c-high");
    source.student(1, 11, "c-k8");
    let (report, _) = exact(&source, CENTER);
    let breakdown = &report["program_breakdown"];
    assert_eq!(breakdown["in_person_students"]["total"], 2);
    assert_eq!(breakdown["career_college_fair_hs_students"]["total"], 1);
    assert_eq!(breakdown["_unique_sets"]["career_college_fair_hs_students"], serde_json::json!([10]));
}

#[test]
fn a_student_without_a_contact_is_in_no_roster() {
    let mut source = source();
    source.events.push(event(1, Some("DIA"), Some("Center School District")));
    source.student(1, 10, "c-high");
    source.contacts.clear();
    assert_eq!(exact(&source, CENTER).0["total_students"], 0);
}

#[test]
fn only_an_event_in_person_without_students_and_without_a_count_needs_attendance() {
    for (kind, counted, needs) in [
        (Some("DIA"), None, true),
        (None, None, true),
        (Some("DIA"), Some(0), false),
        (Some("VIRTUAL_SESSION"), None, false),
    ] {
        let mut source = source();
        source.events.push(event(1, kind, Some("Center School District")));
        source.counted(1, counted);
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
        let mut source = source();
        source.schools.push(fixture::school("a-elan", "ÉLAN", ALDER, None));
        let mut event = event(1, Some("DIA"), partner);
        event.school = school.map(Into::into);
        source.events.push(event);
        if let Some(district) = link {
            source.link(1, district);
        }
        assert_eq!(exact(&source, ALDER).0["total_events"], i64::from(alder), "{case}");
    }
}

#[test]
fn a_school_without_a_name_pulls_every_event() {
    let mut source = source();
    source.schools.push(fixture::school("a-blank", "", ALDER, None));
    source.events.push(event(1, Some("DIA"), None));
    assert_eq!(exact(&source, ALDER).0["total_events"], 1);
    assert_eq!(exact(&source, CENTER).0["total_events"], 0);
}
