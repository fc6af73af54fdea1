//! Rows of the table, and the list of schools.

use super::exact;
use crate::reports::district::fixture::{self, CENTER, Rows, event, source, text_key};
use crate::reports::district::year_end::{TABLE, YearEnd};
use crate::reports::testing::now;
use crate::reports::{Mode, Report};

#[test]
fn every_active_district_has_a_row_in_every_year_in_the_order_of_the_mapping() {
    let mut source = source();
    fixture::add_existing(&mut source, TABLE, &[&["2021", "all", "7"], &["2829", "all", "7"]]);
    let settings = fixture::settings(Mode::Fixed);
    let years = ["2021", "2425", "2526", "2627"];
    let expected: Vec<_> =
        years.iter().flat_map(|year| ["7", "3"].map(|id| text_key(&[year, "all", id]))).collect();
    assert_eq!(YearEnd.keys(&source, &settings, now()), expected);
    let groups = fixture::groups(&YearEnd, &source, &settings);
    assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), years);
    let built: Vec<_> = groups.into_iter().flat_map(|group| group.entries).map(|entry| entry.key).collect();
    assert_eq!(built, expected);
}

#[test]
fn rows_of_districts_that_are_no_longer_active_are_retired() {
    let mut source = source();
    let inactive: &[&str] = &["2526", "all", "9"];
    let others: [&[&str]; 3] = [&["2526", "prepkc", "9"], &["2526", "all", "7"], &["2829", "all", "9"]];
    fixture::add_existing(&mut source, TABLE, &[inactive, others[0], others[1], others[2]]);
    let settings = fixture::settings(Mode::Fixed);
    let retired: Vec<_> =
        fixture::groups(&YearEnd, &source, &settings).into_iter().flat_map(|group| group.retire).collect();
    assert_eq!(retired, [text_key(inactive)]);
}

#[test]
fn every_school_is_listed_by_level_and_name_and_finds_its_events_by_name() {
    let mut source = source();
    for (id, name, level) in [
        ("1", "Zeta", Some("Middle")),
        ("2", "Beta", Some("Middle")),
        ("3", "K8", Some("K8")),
        ("4", "No", None),
    ] {
        source.schools.push(fixture::school(id, name, CENTER, level));
    }
    for (id, school) in [(1, "South High"), (2, "c-high")] {
        let mut event = event(id, Some("DIA"), Some("Center School District"));
        event.school = Some(school.into());
        source.events.push(event);
        source.volunteer(id, 30, Some(1.5));
    }
    source.counted(1, Some(40));
    let (_, events) = exact(&source, CENTER);
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
