//! Selection and rating of candidates.

use serde_json::{Value, json};

use super::super::Candidates;
use super::super::testing::{World, event};
use super::{SOON, candidates, fair, ids};

#[test]
fn a_candidate_is_explained() {
    let world = fair()
        .event(event(2, Some("CAREER_FAIR"), "2020-01-01 00:00:00.000000"))
        .event(event(3, None, "2020-01-01 00:00:00.000000"))
        .volunteer(7, |contact, volunteer| {
            contact.first_name = Some(" Al".into());
            contact.last_name = Some("One ".into());
            volunteer.title = Some("Career coach".into());
            volunteer.last_date = Some("2026-01-01".into());
            volunteer.local_status = Some("local".into());
        })
        .email(7, Some("a@x"), Some(true))
        .organization(5, "Mid Co")
        .member(7, 5, None)
        .participation(7, 1)
        .participation(7, 2)
        .participation(7, 3);
    let text = serde_json::to_string(&candidates(&world)).unwrap();
    let expected = r#"[{"id":7,"name":"Al One","email":"a@x","title":"Career coach","organization":"Mid Co","skills":[],"score":2.25,"reasons":["Past Career Fair event (2x)","Title/industry match: career","Recent activity","Local/nearby","Volunteer history (3 events)"],"breakdown":"Past Career Fair events: +1.00 (count 2)\nTitle/industry keyword (career): +0.60\nRecency: +0.35\nLocality: +0.20\nFrequency (3): +0.10","connector_profile_url":null,"has_connector_profile":false}]"#;
    assert_eq!(text, expected);
}

#[test]
fn any_field_selects_but_only_three_are_rated() {
    let world = fair()
        .skills(&["Networking", "Social networking", "Painting"])
        .volunteer(1, |_, volunteer| volunteer.department = Some("HR: Job Search".into()))
        .volunteer(2, |_, volunteer| volunteer.industry = Some("WORKFORCE".into()))
        .volunteer(3, |_, _| {})
        .volunteer(4, |_, _| {})
        .volunteer(5, |_, _| {})
        .volunteer(6, |_, volunteer| volunteer.organization_name = Some("Career Inc".into()))
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
    let mut session = event(1, Some("VIRTUAL_SESSION"), SOON);
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
fn hits_are_named_in_the_order_of_keywords_and_reach_over_joints() {
    let world = fair().volunteer(1, |_, volunteer| {
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
    let world = fair().skills(&names).volunteer(1, |_, _| {}).has_skills(1, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
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
        let world = fair().skills(&["recareer"]).has_skills(1, &[1]).volunteer(1, |_, volunteer| {
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
        let world =
            world(&|world| world.volunteer(1, |_, volunteer| volunteer.local_status = Some(status.into())));
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
            (0..count).fold(world.volunteer(1, |_, _| {}), |world, n| world.participation(1, 900 + n))
        });
        let candidate = &candidates(&world)[0];
        assert_eq!(
            (candidate["reasons"].get(0).and_then(Value::as_str), &candidate["breakdown"]),
            (reason, &json!(line))
        );
    }
}

#[test]
fn having_no_type_is_a_type() {
    let world = World::default()
        .event(event(1, None, SOON))
        .event(event(2, None, "2020-01-01 00:00:00.000000"))
        .event(event(3, Some("P2GD"), "2020-01-02 00:00:00.000000"))
        .titled(1, "onsite")
        .participation(1, 2)
        .participation(1, 3);
    assert_eq!(candidates(&world)[0]["reasons"][0], "Past None event (1x)");
    let (_, third) = &world.build(&Candidates)[1];
    assert_eq!(third[0][0]["reasons"][0], "Past P2Gd event (1x)");
}

#[test]
fn equals_stay_ordered_by_id() {
    let world = fair()
        .titled(1, "career")
        .volunteer(2, |_, volunteer| {
            volunteer.title = Some("career".into());
            volunteer.local_status = Some("local".into());
        })
        .titled(3, "career")
        .titled(4, "career");
    assert_eq!(ids(&world), [2, 1, 3, 4]);
}

#[test]
fn the_first_two_thousand_are_kept_before_they_are_rated() {
    let mut world = fair();
    for id in 1..=2000 {
        world = world.titled(id, "career");
    }
    let world = world.volunteer(2001, |_, volunteer| {
        volunteer.title = Some("career".into());
        volunteer.local_status = Some("local".into());
    });
    let ids = ids(&world);
    assert_eq!((ids.len(), ids[0], ids[1999]), (2000, 1, 2000));
}
