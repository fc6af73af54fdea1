//! Rules of the district entries that are easy to get wrong.

use std::sync::Arc;

use serde_json::{Value, json};

use super::figures::attended;
use super::{GROUP_BYTES, TABLE, VirtualDistricts};
use crate::reports::Mode;
use crate::reports::testing::{World, class, classroom_day};
use crate::snapshot::EventTeacher;
use crate::vms::tables::{Key, KeyValue};

/// Returns `session_data`, `monthly_stats`, `school_breakdown`, `teacher_breakdown` and `summary_stats` of a
/// name in 2025-2026; the name is given a row, so that it has an entry.
fn district(world: &mut World, name: &str) -> [Value; 5] {
    let key = Key(["2025-2026", name, "2025-08-01", "2026-07-31"].map(KeyValue::from).into());
    world.existing.clear();
    *world = std::mem::take(world).has_row(TABLE, key.clone());
    world.columns(&VirtualDistricts, Mode::Fixed, &key)
}

#[test]
fn the_names_are_those_of_the_report_and_those_with_a_row() {
    let mut world = classroom_day();
    let shown = |keys: &[Key]| {
        let texts = keys.iter().map(|key| format!("{} {}", key.text(0).unwrap(), key.text(1).unwrap()));
        texts.collect::<Vec<_>>()
    };
    let known = ["2025-2026 Grandview", "2025-2026 Partner", "2025-2026 Ten"];
    // Session 3 has no place, so its row shows `Unknown District`.
    assert_eq!(shown(&world.keys(&VirtualDistricts)), [&known[..], &["2025-2026 Unknown District"]].concat());
    world.events.remove(1);
    assert_eq!(shown(&world.keys(&VirtualDistricts)), known);

    for (year, name, from, to) in [
        ("2025-2026", "Unknown District", "2025-08-01", "2026-07-31"),
        ("2025-2026", "Half a year", "2025-08-01", "2025-12-31"),
        ("2019-2020", "Long ago", "2019-08-01", "2020-07-31"),
        ("next year", "Junk", "2025-08-01", "2026-07-31"),
        ("2025-2026", "", "2025-08-01", "2026-07-31"),
    ] {
        let row = [year, name, from, to].map(KeyValue::from);
        world = world.has_row(TABLE, Key(row.into()));
    }
    world.events[2].district_partner = Some("x".repeat(256).into());
    assert_eq!(
        shown(&world.keys(&VirtualDistricts)),
        ["2019-2020 Long ago", "2025-2026 Grandview", "2025-2026 Ten", "2025-2026 Unknown District"]
    );
}

#[test]
fn every_key_is_built_in_the_order_of_the_keys() {
    let world = classroom_day();
    assert_eq!(world.built(&VirtualDistricts), world.keys(&VirtualDistricts));
}

#[test]
fn a_large_year_is_split_into_groups_without_repeating_a_district() {
    let mut world = classroom_day();
    let long: Arc<str> = "x".repeat(GROUP_BYTES / 3).into();
    let attended = world.events[2].clone();
    world.events[2].registration_link = Some(Arc::clone(&long));
    // A second session of the same teachers in another district: a teacher without a school district.
    let mut other = attended;
    other.id = 6;
    other.registration_link = Some(long);
    world.events.push(other);
    world = world.in_district(6, 2);
    let links = world.event_teachers.to_vec();
    for link in links {
        if link.event == 4 {
            world.event_teachers.push(EventTeacher { event: 6, ..link });
        }
    }
    let names: Vec<Vec<String>> = world
        .groups(&VirtualDistricts, Mode::Fixed)
        .into_iter()
        .map(|group| {
            let names = group.entries.iter().filter_map(|entry| entry.key.text(1));
            names.map(str::to_owned).collect()
        })
        .collect();
    // Grandview holds both sessions, each in two columns.
    assert_eq!(names, [vec!["Grandview"], vec!["Partner", "Ten"], vec!["Two", "Unknown District"]]);
}

#[test]
fn a_session_lists_only_registrations_of_the_district() {
    let mut world = classroom_day();
    world.event_teachers[0].simulcast = Some(true);
    let [data, ..] = district(&mut world, "grandview school district ");
    assert_eq!(data.as_array().unwrap().len(), 2);
    let mut first = data[0].clone();
    assert_eq!(first["presenter_data"].as_array().unwrap().len(), 2);
    first["presenter_data"] = json!([]);
    assert_eq!(
        first.to_string(),
        json!({
            "event_id": 4, "status": "Completed", "date": "11/02/25", "time": "01:30 PM",
            "session_type": "", "teachers": ["Ann Able"], "schools": ["Ruskin High"],
            "district": "grandview school district ", "session_title": "Session 4",
            "presenter": "Val Q Two, Vic One", "presenter_data": [], "topic_theme": "Tech",
            "session_link": "", "participant_count": 25, "duration": 45, "is_simulcast": true
        })
        .to_string()
    );
}

#[test]
fn a_teacher_without_a_school_district_belongs_to_the_place_of_the_session() {
    let mut world = classroom_day();
    let [data, _, schools, ..] = district(&mut world, "Ten");
    assert_eq!(data[0]["teachers"], json!(["Bob Baker"]));
    assert_eq!(data[0]["schools"], json!(["Lone High"]));
    // The session is listed, but the school is not counted: the school itself has no district.
    assert_eq!(schools, json!([]));
    let [data, ..] = district(&mut world, "Unknown District");
    assert_eq!(data, json!([]));
}

#[test]
fn sessions_are_ordered_by_the_text_of_their_date() {
    let mut world = classroom_day();
    let session = world.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
    for (id, start) in [(6, "2026-01-15"), (7, "2025-12-01"), (8, "2025-12-01")] {
        world.events.push(class(id, &format!("{start} 10:00:00.000000"), "COMPLETED"));
        world.event_teachers.push(EventTeacher { event: id, ..session.clone() });
    }
    let [data, ..] = district(&mut world, "Grandview");
    let ids: Vec<_> = data.as_array().unwrap().iter().map(|it| it["event_id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [7, 8, 4, 2, 6]);
}

#[test]
fn a_month_sums_its_completed_sessions() {
    let mut world = classroom_day();
    let link = world.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
    for (id, start, status) in [
        (6, "2026-01-15", "SIMULCAST"),
        (7, "2025-11-20", "COMPLETED"),
        (8, "2025-11-21", "COMPLETED"),
        (9, "2025-11-22", "CONFIRMED"),
    ] {
        world.events.push(class(id, &format!("{start} 10:00:00.000000"), status));
        world.event_teachers.push(EventTeacher { event: id, ..link.clone() });
    }
    let [_, months, ..] = district(&mut world, "Grandview");
    assert_eq!(months.as_object().unwrap().keys().collect::<Vec<_>>(), ["2025-09", "2025-11", "2026-01"]);
    let mut november = months["2025-11"].clone();
    let events = november["events"].take();
    november["events"] = json!(events.as_array().unwrap().len());
    assert_eq!(
        november.to_string(),
        json!({
            "month_name": "November 2025", "total_sessions": 3, "total_registered": 75,
            "total_attended": 75, "total_duration": 45, "avg_attendance_rate": 100.0,
            "avg_duration": 15.0, "events": 3, "school_count": 1, "educator_count": 1,
            "career_cluster_count": 1
        })
        .to_string()
    );
    let mut last = events[2].clone();
    last["presenter_data"] = json!([]);
    assert_eq!(
        last.to_string(),
        json!({
            "title": "Session 4", "date": "11/02/25", "time": "01:30 PM", "duration": 45,
            "registered": 25, "attended": 25, "schools": "Ruskin High", "educators": "Ann Able",
            "career_cluster": "Tech", "event_id": 4, "session_link": "",
            "presenter": "Val Q Two, Vic One", "presenter_data": []
        })
        .to_string()
    );
}

#[test]
fn a_month_without_schools_has_a_placeholder_and_averages_are_not_rounded() {
    let mut world = classroom_day();
    world.teachers[1].school = None;
    let [_, months, _, teachers, _] = district(&mut world, "Ten");
    assert_eq!(months["2025-11"]["events"][0]["schools"], "N/A");
    assert_eq!(months["2025-11"]["school_count"], 0);
    assert_eq!(teachers, json!([]));

    let link = world.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
    for (id, minutes) in [(6, 30), (7, 25)] {
        let mut session = class(id, "2025-11-03 10:00:00.000000", "COMPLETED");
        session.duration = Some(minutes);
        world.events.push(session);
        world.event_teachers.push(EventTeacher { event: id, ..link.clone() });
    }
    let [_, months, ..] = district(&mut world, "Grandview");
    assert_eq!(months["2025-11"]["avg_duration"].to_string(), "33.333333333333336");
}

#[test]
fn a_registration_counts_if_confirmed_or_attended_and_not_cancelled() {
    for (status, confirmed, expected) in [
        (Some("Attended"), false, true),
        (Some("count"), false, true),
        (Some("COMPLETED"), false, true),
        (Some("Completed "), false, false),
        (Some("attended - late"), false, false),
        (Some("registered"), false, false),
        (Some("registered"), true, true),
        (None, true, true),
        (None, false, false),
        (Some("Teacher No-Show"), true, false),
        (Some("no_show"), true, false),
        (Some("attended – cancelled"), true, false),
        (Some("Withdrawn"), true, false),
        (Some("Did not attend"), true, false),
    ] {
        let link = EventTeacher {
            event: 1,
            teacher: 1,
            status: status.map(Into::into),
            simulcast: None,
            confirmed_at: confirmed.then(|| "2025-11-02 14:00:00.000000".into()),
        };
        assert_eq!(attended(&link), expected, "{status:?} {confirmed}");
    }
}

#[test]
fn teachers_are_counted_once_per_session_attended() {
    let mut world = classroom_day();
    let teachers = |world: &mut World| {
        let [.., teachers, _] = district(world, "Grandview");
        teachers
    };
    let ann = |sessions: usize| json!([{"id": 1, "name": "Ann Able", "school": "Ruskin High", "sessions": sessions}]);
    assert_eq!(teachers(&mut world), ann(2));

    world.events[0].status = Some("NO_SHOW".into());
    assert_eq!(teachers(&mut world), ann(1));

    // The session was moved to a classroom: neither its status nor the registration's matters.
    world.events[0].original_status = Some("Moved to In-Person Session".into());
    for link in world.event_teachers.iter_mut() {
        link.status = Some("cancelled".into());
    }
    assert_eq!(teachers(&mut world), ann(1));
}

#[test]
fn a_school_name_is_resolved_to_the_first_school_with_that_name() {
    let mut world = classroom_day();
    let schools = |world: &mut World| {
        let [_, _, schools, ..] = district(world, "Grandview");
        schools
    };
    let counted = json!([{"name": "Ruskin High", "sessions": 2}]);
    assert_eq!(schools(&mut world), counted);

    world = world.school("later", "Ruskin High", 2, "High");
    assert_eq!(schools(&mut world), counted);

    world = world.school("zzz, but first", "Ruskin High", 2, "High");
    world.schools.rotate_right(1);
    assert_eq!(schools(&mut world), json!([]));
}

#[test]
fn titles_and_names_are_counted_once_but_percentages_refer_to_ids() {
    let mut world = classroom_day();
    let link = world.event_teachers.iter().find(|link| link.event == 2).unwrap().clone();
    for id in [6, 7] {
        let mut session = class(id, "2025-11-03 10:00:00.000000", "COMPLETED");
        session.title = Some("Session 4".into());
        world.events.push(session);
        world.event_teachers.push(EventTeacher { event: id, ..link.clone() });
    }
    // A teacher named like Ann, at another school.
    world.contacts[1].first_name = Some("Ann".into());
    world.contacts[1].last_name = Some("Able".into());
    world.event_teachers.push(EventTeacher { teacher: 2, ..link });
    world.schools[1].district = Some(1);
    let [.., summary] = district(&mut world, "Grandview");
    assert_eq!(
        summary.to_string(),
        json!({
            "total_teachers": 1, "total_students": 25, "total_unique_sessions": 2,
            "total_experiences": 5, "total_organizations": 2, "total_professionals": 2,
            "total_professionals_of_color": 1, "total_local_professionals": 1, "total_schools": 2,
            "local_session_count": 1, "poc_session_count": 1, "local_session_percent": 25,
            "poc_session_percent": 25
        })
        .to_string()
    );
}

#[test]
fn sessions_moved_to_a_classroom_count_only_teachers_and_local_presenters() {
    let mut world = classroom_day();
    world.events[2].status = Some("DRAFT".into());
    world.events[2].original_status = Some("moved to in-person session".into());
    let [_, _, _, _, summary] = district(&mut world, "Ten");
    assert_eq!([&summary["total_teachers"], &summary["total_local_professionals"]], [&json!(1), &json!(1)]);
    assert_eq!([&summary["total_professionals"], &summary["total_unique_sessions"]], [&json!(0), &json!(0)]);
}
