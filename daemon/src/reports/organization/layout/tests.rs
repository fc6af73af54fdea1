use super::super::testing::{CURRENT_MEMBER, World, settings};
use super::super::{Detail, Reports};
use crate::reports::testing::now;
use crate::reports::{Group, Report, ReportSettings};
use crate::vms::tables::KeyValue;

fn groups<'s>(report: &dyn Report, world: &'s World) -> Vec<Group<'s>> {
    report.build(&world.0, settings(), now()).collect()
}

fn retired(groups: &[Group<'_>]) -> Vec<String> {
    groups.iter().flat_map(|group| &group.retire).map(ToString::to_string).collect()
}

#[test]
fn every_organization_has_a_row_in_every_year() {
    let world = World::with_organization()
        .organization(7, "Beta")
        .has_row(&Detail, vec!["1920".into(), 1.into()])
        .has_row(&Detail, vec!["2930".into(), 1.into()])
        .has_row(&Detail, vec!["odd".into(), 1.into()]);
    let keys: Vec<String> =
        Detail.keys(&world.0, settings(), now()).iter().map(ToString::to_string).collect();
    assert_eq!(keys, ["1920|1", "1920|7", "2425|1", "2425|7", "2526|1", "2526|7"]);
    assert_eq!(world.rows(&Detail).keys().collect::<Vec<_>>(), keys.iter().collect::<Vec<_>>());
}

#[test]
fn the_id_is_a_number_in_one_table_and_text_in_the_other() {
    let world = World::with_organization();
    let id = |report: &dyn Report| report.keys(&world.0, settings(), now())[0].get(1).cloned();
    assert_eq!((id(&Detail), id(&Reports)), (Some(KeyValue::Int(1)), Some("1".into())));
}

#[test]
fn rows_of_organizations_that_are_gone_are_retired() {
    let world = World::with_organization()
        .has_row(&Detail, vec!["2526".into(), 1.into()])
        .has_row(&Detail, vec!["2526".into(), 2.into()])
        .has_row(&Detail, vec!["2425".into(), 3.into()])
        .has_row(&Detail, vec!["2526".into(), "by hand".into()])
        .has_row(&Reports, vec!["2526".into(), "4".into()])
        .has_row(&Reports, vec!["2526".into(), "1".into()]);
    assert_eq!(retired(&groups(&Detail, &world)), ["2425|3", "2526|2"]);
    assert_eq!(retired(&groups(&Reports, &world)), ["2526|4"]);
}

#[test]
fn without_any_organization_only_old_rows_are_retired() {
    let world = World::default().has_row(&Detail, vec!["2526".into(), 2.into()]);
    let groups = groups(&Detail, &world);
    assert_eq!((groups.len(), retired(&groups)), (1, vec!["2526|2".to_owned()]));
    assert!(groups[0].entries.is_empty());
}

#[test]
fn organization_reports_has_neither_keys_nor_groups_while_it_is_off() {
    let world = World::with_organization().has_row(&Reports, vec!["2526".into(), "4".into()]);
    let off = ReportSettings { organization_reports_table: false, ..settings().clone() };
    assert_eq!(Reports.keys(&world.0, &off, now()), []);
    assert_eq!(Reports.build(&world.0, &off, now()).count(), 0);
    assert_eq!(Detail.keys(&world.0, &off, now()).len(), 2);
}

#[test]
fn both_tables_carry_the_same_lists() {
    let world = World::with_organization()
        .volunteer(10, "Ann", "Able")
        .career_fair(1, "COMPLETED")
        .career_fair(2, "CANCELLED")
        .session(3)
        .took_part(1, 10, "Attended", Some(1.5))
        .took_part(2, 10, "Attended", Some(1.0))
        .linked(3, 10);
    let (detail, reports) = (world.rows(&Detail), world.rows(&Reports));
    for (key, row) in &detail {
        for (name, list) in row.as_object().unwrap() {
            let other = match name.as_str() {
                "organization_name" => continue,
                "volunteers_data" | "summary_stats" => name.clone(),
                events => format!("{events}_data"),
            };
            assert_eq!(reports[key][other.as_str()].to_string(), list.to_string(), "{key} {name}");
        }
    }
    assert_eq!(detail["2526|1"]["virtual_events"].as_array().unwrap().len(), 1);
}

#[test]
fn a_group_stays_small_and_a_large_organization_gets_one_of_its_own() {
    let mut world = World::default().career_fair(1, "COMPLETED");
    for id in 1..=40_000 {
        world = world.volunteer(id, "Ann", "Able").took_part(1, id, "Attended", Some(1.0));
        let membership = world.0.volunteer_organizations.pop().unwrap();
        // Organization 2 has most of the volunteers.
        let organization = if id <= 36_000 { 2 } else { 1 + 2 * (id % 2) };
        world = world.member(membership.volunteer, organization, CURRENT_MEMBER, None, None);
    }
    world = world.organization(1, "One").organization(2, "Two").organization(3, "Three");
    let names: Vec<String> = groups(&Detail, &world).into_iter().map(|group| group.name).collect();
    assert_eq!(
        names,
        [
            "2425, organizations 1 to 3",
            "2526, organizations 1 to 1",
            "2526, organizations 2 to 2",
            "2526, organizations 3 to 3",
        ]
    );
}

#[test]
fn many_small_organizations_are_spread_over_groups() {
    let world = (2..=600).fold(World::with_organization(), |world, id| world.organization(id, "Small"));
    let names: Vec<String> = groups(&Detail, &world).into_iter().map(|group| group.name).collect();
    let of =
        |year| [(1, 250), (251, 500), (501, 600)].map(|(a, b)| format!("{year}, organizations {a} to {b}"));
    assert_eq!(names, [of("2425"), of("2526")].concat());
}
