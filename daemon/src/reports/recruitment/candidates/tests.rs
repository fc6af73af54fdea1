//! Rules of the candidates that are easy to get wrong.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Candidates, TABLE};
use crate::reports::testing::{World, now, planned};
use crate::reports::{Context, Mode, Report, ReportSettings};
use crate::snapshot::{Contact, Volunteer};
use crate::vms::tables::Key;

const SOON: &str = "2026-03-20 09:00:00.000000";

/// Returns a world with a career fair, id 1, whose keywords are those of its type, its format, the length of
/// its title and its subject.
fn fair() -> World {
    let mut fair = planned(1, Some("CAREER_FAIR"), SOON);
    fair.title = Some("Spring Fair".into());
    chicago().event(fair)
}

/// Returns a world in whose zone it is still the day before.
fn chicago() -> World {
    World::default().set(|settings| settings.zone = Tz::America__Chicago)
}

/// Returns the candidates of an event.
fn candidates_of(world: &World, event: i64) -> Vec<Value> {
    let [candidates] = world.columns(&Candidates, Mode::Fixed, &Key(vec![event.into()]));
    candidates.as_array().unwrap().clone()
}

fn candidates(world: &World) -> Vec<Value> {
    candidates_of(world, 1)
}

fn ids(world: &World) -> Vec<i64> {
    candidates(world).iter().map(|candidate| candidate["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_candidate_has_reasons_and_a_breakdown() {
    let world = fair()
        .event(planned(2, Some("CAREER_FAIR"), "2020-01-01 00:00:00.000000"))
        .event(planned(3, None, "2020-01-01 00:00:00.000000"))
        .volunteer_as(7, |contact, volunteer| {
            contact.first_name = Some(" Al".into());
            contact.last_name = Some("One ".into());
            volunteer.title = Some("Career coach".into());
            volunteer.last_date = Some("2026-01-01".into());
            volunteer.local_status = Some("local".into());
        })
        .email(7, Some("a@x"), Some(true))
        .organization(5, "Mid Co")
        .member_as(7, 5, None)
        .took_part(1, 7, "No-Show", None)
        .took_part(2, 7, "No-Show", None)
        .took_part(3, 7, "No-Show", None);
    let text = serde_json::to_string(&candidates(&world)).unwrap();
    let expected = r#"[{"id":7,"name":"Al One","email":"a@x","title":"Career coach","organization":"Mid Co","skills":[],"score":2.25,"reasons":["Past Career Fair event (2x)","Title/industry match: career","Recent activity","Local/nearby","Volunteer history (3 events)"],"breakdown":"Past Career Fair events: +1.00 (count 2)\nTitle/industry keyword (career): +0.60\nRecency: +0.35\nLocality: +0.20\nFrequency (3): +0.10","connector_profile_url":null,"has_connector_profile":false}]"#;
    assert_eq!(text, expected);
}

#[test]
fn any_field_selects_but_only_three_are_rated() {
    let world = fair()
        .skills(&["Networking", "Social networking", "Painting"])
        .volunteer_as(1, |_, volunteer| volunteer.department = Some("HR: Job Search".into()))
        .volunteer_as(2, |_, volunteer| volunteer.industry = Some("WORKFORCE".into()))
        .volunteer_as(3, |_, _| {})
        .volunteer_as(4, |_, _| {})
        .volunteer_as(5, |_, _| {})
        .volunteer_as(6, |_, volunteer| volunteer.organization_name = Some("Career Inc".into()))
        .has_skills(3, &[1])
        .has_skills(4, &[2])
        .has_skills(5, &[3]);
    let rated: Vec<(i64, f64)> = candidates(&world)
        .iter()
        .map(|candidate| (candidate["id"].as_i64().unwrap(), candidate["score"].as_f64().unwrap()))
        .collect();
    assert_eq!(rated, [(3, 0.8), (1, 0.6), (2, 0.6), (4, 0.0)]);
    assert_eq!(candidates(&world)[3]["breakdown"], "");
}

#[test]
fn accents_select_by_their_case_but_are_rated_in_lower_case() {
    let mut session = planned(1, Some("VIRTUAL_SESSION"), SOON);
    session.title = Some("Une Belle École Ici".into());
    let world =
        World::default().event(session).titled(1, "ÉCOLE").titled(2, "école ÉCOLE").titled(3, "belle ÉCOLE");
    let reasons: Vec<Value> = candidates(&world).iter().map(|c| c["reasons"][0].clone()).collect();
    assert_eq!(ids(&world), [2, 3]);
    assert_eq!(reasons, ["Title/industry match: école", "Title/industry match: belle, école"]);
}

#[test]
fn a_wildcard_in_a_skill_selects_but_is_not_rated() {
    let world = fair()
        .skills(&["C_D"])
        .asks_for(1, &[1])
        .titled(1, "cad work")
        .titled(2, "c_d work")
        .titled(3, "cd work");
    assert_eq!(ids(&world), [2, 1]);
    assert_eq!(candidates(&world)[1]["score"], json!(0.0));
}

#[test]
fn matches_are_in_keyword_order_and_may_span_two_fields() {
    let world = fair().volunteer_as(1, |_, volunteer| {
        volunteer.title = Some("Interview, Resume and Professional".into());
        volunteer.department = Some("Job".into());
        volunteer.industry = Some("Search".into());
    });
    assert_eq!(
        candidates(&world)[0]["reasons"],
        json!(["Title/industry match: job search, professional, resume"])
    );
}

#[test]
fn skills_that_the_event_asks_for_come_first_by_id() {
    let world = fair().skills(&["zeta", "alpha"]).asks_for(1, &[2, 1]).titled(1, "career alpha zeta");
    assert_eq!(candidates(&world)[0]["reasons"][0], "Title/industry match: zeta, alpha, career");
}

#[test]
fn skills_are_shared_in_lower_case_and_shown_as_stored() {
    let names = ["python", "Zebra", "career", "Networking", "Resume", "Career", "b", "c", "d", "e"];
    let world =
        fair().skills(&names).volunteer_as(1, |_, _| {}).has_skills(1, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    let candidate = &candidates(&world)[0];
    assert_eq!(
        candidate["skills"],
        json!(["Career", "Networking", "Resume", "Zebra", "b", "c", "career", "d"])
    );
    assert_eq!(candidate["reasons"], json!(["Skills: career, networking, resume"]));
    assert_eq!(candidate["breakdown"], "Skill overlap (career, networking, resume): +0.80");
}

#[test]
fn recency_counts_days_in_utc() {
    for (last, line) in [
        (Some("2026-12-24"), "Recency: +0.35"),
        (Some("2025-12-15"), "Recency: +0.35"),
        (Some("2025-12-14"), "Recency: +0.15"),
        (Some("2025-09-16"), "Recency: +0.15"),
        (Some("2025-09-15"), ""),
        (Some("never"), ""),
        (None, ""),
    ] {
        let world = fair().skills(&["recareer"]).has_skills(1, &[1]).volunteer_as(1, |_, volunteer| {
            volunteer.last_date = last.map(Into::into);
        });
        assert_eq!(candidates(&world)[0]["breakdown"], line, "{last:?}");
    }
}

#[test]
fn locality_and_frequency_have_steps() {
    let world = |change: &dyn Fn(World) -> World| change(fair().skills(&["recareer"]).has_skills(1, &[1]));
    for (status, line) in
        [("local", "Locality: +0.20"), ("partial", "Locality: +0.10"), ("non_local", ""), ("moon", "")]
    {
        let world = world(&|world| {
            world.volunteer_as(1, |_, volunteer| volunteer.local_status = Some(status.into()))
        });
        assert_eq!(candidates(&world)[0]["breakdown"], line, "{status}");
    }
    for (count, reason, line) in [
        (1, None, ""),
        (2, Some("Volunteer history (2 events)"), "Frequency (2): +0.10"),
        (5, Some("Frequent volunteer (5 events)"), "Frequency (5): +0.20"),
        (10, Some("Frequent volunteer (10 events)"), "Frequency (10): +0.30"),
    ] {
        // Participations in events that no longer exist count as well, but have no type.
        let world = world(&|world| {
            (0..count).fold(world.volunteer_as(1, |_, _| {}), |world, n| {
                world.took_part(900 + n, 1, "No-Show", None)
            })
        });
        let candidate = &candidates(&world)[0];
        assert_eq!(
            (candidate["reasons"].get(0).and_then(Value::as_str), &candidate["breakdown"]),
            (reason, &json!(line))
        );
    }
}

#[test]
fn a_missing_type_counts_as_a_type() {
    let world = World::default()
        .event(planned(1, None, SOON))
        .event(planned(2, None, "2020-01-01 00:00:00.000000"))
        .event(planned(3, Some("P2GD"), "2020-01-02 00:00:00.000000"))
        .titled(1, "onsite")
        .took_part(2, 1, "No-Show", None)
        .took_part(3, 1, "No-Show", None);
    assert_eq!(candidates(&world)[0]["reasons"][0], "Past None event (1x)");
    assert_eq!(candidates_of(&world, 3)[0]["reasons"][0], "Past P2Gd event (1x)");
}

#[test]
fn candidates_with_equal_points_are_ordered_by_id() {
    let world = fair()
        .titled(1, "career")
        .volunteer_as(2, |_, volunteer| {
            volunteer.title = Some("career".into());
            volunteer.local_status = Some("local".into());
        })
        .titled(3, "career")
        .titled(4, "career");
    assert_eq!(ids(&world), [2, 1, 3, 4]);
}

#[test]
fn only_the_first_two_thousand_by_id_are_rated() {
    let mut world = fair();
    for id in 1..=2000 {
        world = world.titled(id, "career");
    }
    let world = world.volunteer_as(2001, |_, volunteer| {
        volunteer.title = Some("career".into());
        volunteer.local_status = Some("local".into());
    });
    let ids = ids(&world);
    assert_eq!((ids.len(), ids[0], ids[1999]), (2000, 1, 2000));
}

#[test]
fn only_active_reachable_volunteers_are_candidates() {
    type Change = fn(&mut Contact, &mut Volunteer);
    let cases: [(&str, bool, Change); 11] = [
        ("without a status", true, |_, volunteer| volunteer.status = None),
        ("active", true, |_, volunteer| volunteer.status = Some("ACTIVE".into())),
        ("on hold", true, |_, volunteer| volunteer.status = Some("ON_HOLD".into())),
        ("none", true, |_, volunteer| volunteer.status = Some("NONE".into())),
        ("inactive", false, |_, volunteer| volunteer.status = Some("INACTIVE".into())),
        ("not to be contacted", false, |contact, _| contact.do_not_contact = Some(true)),
        ("perhaps to be contacted", false, |contact, _| contact.do_not_contact = None),
        ("opted out", false, |contact, _| contact.email_opt_out = Some(true)),
        ("perhaps opted out", false, |contact, _| contact.email_opt_out = None),
        ("excluded", false, |contact, _| contact.exclude_from_reports = Some(true)),
        ("without a contact", false, |contact, _| contact.id = 77),
    ];
    for (what, asked, change) in cases {
        let world = fair().volunteer_as(1, |contact, volunteer| {
            volunteer.title = Some("career".into());
            change(contact, volunteer);
        });
        assert_eq!(ids(&world) == [1], asked, "{what}");
    }
}

#[test]
fn only_primary_addresses_are_used() {
    let of = |emails: &[(Option<&str>, Option<bool>)]| {
        let world = emails
            .iter()
            .fold(fair().titled(1, "career"), |world, &(address, primary)| world.email(1, address, primary));
        candidates(&world)[0]["email"].clone()
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(of(&[]), json!(null));
    assert_eq!(of(&[(Some("a"), no), (Some("b"), None)]), json!(null));
    assert_eq!(of(&[(Some("a"), no), (Some("b"), yes), (Some("c"), yes)]), json!("b"));
    assert_eq!(of(&[(None, yes), (Some("c"), yes)]), json!(null));
}

#[test]
fn the_employer_is_typed_in_or_the_first_link() {
    let of = |typed: Option<&str>, links: &[i64]| {
        let world = fair().organization(5, "Five").organization(6, "Six").volunteer_as(1, |_, volunteer| {
            volunteer.title = Some("career".into());
            volunteer.organization_name = typed.map(Into::into);
        });
        let world = links.iter().fold(world, |world, &link| world.member_as(1, link, Some(link == 5)));
        candidates(&world)[0]["organization"].clone()
    };
    assert_eq!(of(Some("00Typed"), &[5]), json!("00Typed"));
    assert_eq!(of(None, &[6, 5]), json!("Six"), "being primary does not matter");
    assert_eq!(of(Some(""), &[5]), json!("Five"));
    assert_eq!(of(Some(""), &[99, 5]), json!(null), "the first link is to a missing organization");
    assert_eq!(of(Some(""), &[]), json!(""));
    assert_eq!(of(None, &[]), json!(null));
}

fn day(day: u32) -> String {
    format!("2026-03-{day:02} 09:00:00.000000")
}

/// Returns the events that have a row under changed settings.
fn keys(world: &World, change: impl Fn(&mut ReportSettings)) -> Vec<i64> {
    let cx = world.cx(Mode::Fixed);
    let mut settings = cx.settings.clone();
    change(&mut settings);
    let keys = Candidates.keys(Context { settings: &settings, ..cx });
    keys.iter().map(|key| key.int(0).unwrap()).collect()
}

/// Adds existing rows of events.
fn with_rows(world: World, events: &[i64]) -> World {
    let row = |world: World, event: &i64| world.has_row(TABLE, Key(vec![(*event).into()]));
    events.iter().fold(world, row)
}

#[test]
fn upcoming_events_come_first_then_recent_ones_and_ties_by_id() {
    let mut world = World::default();
    for (id, start) in [
        (1, day(20)),
        (2, day(16)),
        (3, day(14)),
        (4, day(10)),
        (5, day(14)),
        (6, day(16)),
        (7, "2026-03-15 02:00:00.000000".to_owned()),
        (8, "2026-03-15 01:59:59.999999".to_owned()),
    ] {
        world = world.event(planned(id, None, &start));
    }
    assert_eq!(keys(&world, |_| ()), [7, 2, 6, 1, 8, 3, 5, 4]);
    assert_eq!(keys(&world, |settings| settings.include_recent = false), [7, 2, 6, 1]);
}

#[test]
fn each_list_has_the_fifty_nearest_events_whatever_their_status() {
    let mut world = World::default();
    for id in 1..=60 {
        world = world.event(planned(id, None, &format!("2027-01-01 00:00:00.{id:06}")));
        world = world.event(planned(100 + id, None, &format!("2020-01-01 00:00:00.{id:06}")));
    }
    let expected: Vec<i64> = (1..=50).chain((111..=160).rev()).collect();
    assert_eq!(keys(&world, |_| ()), expected);
}

#[test]
fn events_with_a_row_keep_it_for_keep_days() {
    let mut world = World::default();
    for id in 1..=50 {
        world = world.event(planned(id, None, &day(14)));
    }
    let world = with_rows(
        world
            .event(planned(60, None, "2026-02-13 02:00:00.000000"))
            .event(planned(61, None, "2026-02-13 01:59:59.999999"))
            .event(planned(62, None, "2026-03-01 00:00:00.000000"))
            .event(planned(63, None, "soon")),
        &[60, 61, 63, 99, 1],
    );
    let mut expected: Vec<i64> = (1..=50).collect();
    expected.extend([60, 63]);
    assert_eq!(keys(&world, |_| ()), expected, "62 owns no row, 61 is too old");

    let retired = world.retired(&Candidates);
    assert_eq!(retired.iter().map(|key| key.int(0).unwrap()).collect::<Vec<_>>(), [61, 99]);
    let built = world.groups(&Candidates, Mode::Fixed);
    assert!(built.iter().all(|group| group.retire.is_empty() && group.entries.len() == 1));

    assert!(keys(&world, |settings| settings.keep_days = 31).contains(&61));
}

#[test]
fn an_old_row_of_a_recent_event_is_kept_only_if_recent_events_have_rows() {
    let world = with_rows(World::default().event(planned(1, None, "2020-01-01 00:00:00.000000")), &[1]);
    assert_eq!(keys(&world, |_| ()), [1]);
    assert!(keys(&world, |settings| settings.include_recent = false).is_empty());
}

#[test]
fn no_row_is_removed_if_all_are_still_wanted() {
    let world = with_rows(World::default().event(planned(1, None, &day(16))), &[1]);
    assert_eq!((world.groups(&Candidates, Mode::Fixed).len(), world.retired(&Candidates)), (1, vec![]));
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Returns a world with sixty events, an hour apart, from the current instant on.
fn hourly() -> World {
    (0..60).fold(World::default(), |world, id| {
        let start = (now() + TimeDelta::hours(id)).format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        world.event(planned(id, "CAREER_FAIR", &start))
    })
}

#[test]
fn target_events_change_right_after_one_begins() {
    let world = hourly();
    let keys = |at| Candidates.keys(Context { now: at, ..world.cx(Mode::Fixed) });
    let mut at = now();
    for _ in 0..9 {
        let next = Candidates.next_keys(Context { now: at, ..world.cx(Mode::Fixed) }).unwrap();
        let just_before = next - TimeDelta::microseconds(1);
        assert_eq!(keys(at), keys(just_before), "between {at} and {next}");
        assert!(keys(next).iter().any(|key| !keys(at).contains(key)), "{next} brings a further event");
        at = next;
    }
    assert_eq!(Candidates.next_keys(World::default().cx(Mode::Fixed)), None);
}

#[test]
fn recency_changes_at_midnight_utc() {
    let next = Candidates.next_payloads(World::default().cx(Mode::Fixed));
    assert_eq!(next, Some(utc("2026-03-16T00:00:00Z")));
}
