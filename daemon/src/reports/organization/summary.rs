//! `organization_summary_cache`: one row per school year, one element per organization.
//!
//! Mirrors the query and merge in `organization_report` of VMS's `routes/reports/organization_report.py` for
//! `host_filter=all` and `mode=verified`.
//!
//! For every organization with a member in the year:
//!
//! * from attended participations of its members, whatever the event's type: distinct events, the sum of
//!   hours, distinct volunteers. Hours are added in the order of the participations' ids, in which SQLite
//!   reads them: another order can change the floating point sum, and with it the rounded one;
//! * from links of its members to virtual sessions that count: distinct events, distinct volunteers.
//!
//! The counts of both are added; hours come from participations only and are rounded to two decimals, half to
//! even on the exact binary value, and a sum of nothing or zero is the integer 0. Neither the dates of a
//! membership within the year nor a person's exclusion from reports matter here. An organization with neither
//! participations nor sessions is absent. VMS orders by hours, descending; ties keep the order in which its
//! page collects them: organizations with attended participations by id, then those with sessions only, by
//! id.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use crate::reports::dialect::Hours;
use crate::reports::organization::index::{Events, Index};
use crate::reports::organization::sql_sum;
use crate::reports::year::{SchoolYear, Year};
use crate::reports::{Built, Context, Entry, Group, Yearly};
use crate::snapshot::{Organization, Source};
use crate::vms::tables::{Key, Table};

/// The report that fills `organization_summary_cache`.
#[derive(Debug, Clone, Copy)]
pub struct Summary;

impl Yearly for Summary {
    type Year = SchoolYear;

    const TABLE: Table = Table::OrganizationSummaryCache;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = &[
        Source::Event,
        Source::EventVolunteers,
        Source::EventParticipation,
        Source::Contact,
        Source::Volunteer,
        Source::Organization,
        Source::VolunteerOrganization,
    ];

    fn keys(&self, _: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        |year| vec![Key(vec![year.key().into()])]
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        let index = Arc::new(Index::new(cx.snapshot));
        move |year| {
            let elements = elements(&Events::new(Arc::clone(&index), year), &cx.snapshot.organizations);
            let entry = Entry::of_one(Key(vec![year.key().into()]), elements);
            Group::new(year.key(), vec![entry]).alone()
        }
    }
}

#[derive(Serialize)]
struct Element<'s> {
    name: Option<&'s str>,
    id: i64,
    unique_sessions: usize,
    total_hours: Hours,
    unique_volunteers: usize,
}

fn elements<'s>(year: &Events<'s>, organizations: &'s [Organization]) -> Vec<Element<'s>> {
    let (mut elements, mut with_sessions_only) = (Vec::new(), Vec::new());
    for organization in organizations {
        let (took_part, linked) = count(year, organization.id);
        let element = Element {
            name: organization.name.as_deref(),
            id: organization.id,
            unique_sessions: took_part.events.len() + linked.events.len(),
            total_hours: sql_sum(took_part.hours).rounded(2),
            unique_volunteers: took_part.volunteers + linked.volunteers,
        };
        if took_part.volunteers > 0 {
            elements.push(element);
        } else if linked.volunteers > 0 {
            with_sessions_only.push(element);
        }
    }
    elements.append(&mut with_sessions_only);
    elements.sort_by(|a, b| b.total_hours.compare(a.total_hours));
    elements
}

/// Counts of an organization's members, from one of the two places.
#[derive(Default)]
struct Counts {
    events: HashSet<i64>,
    volunteers: usize,
    hours: f64,
}

/// Returns the counts from participations, and those from links to virtual sessions.
fn count(year: &Events<'_>, organization: i64) -> (Counts, Counts) {
    let (mut took_part, mut linked) = (Counts::default(), Counts::default());
    let mut hours = Vec::new();
    for (_, volunteer) in year.members(organization) {
        let before = hours.len();
        for (participation, event) in year.participations(volunteer.id) {
            if participation.is_attended() {
                took_part.events.insert(event.id);
                hours.push((participation.id, participation.hours.unwrap_or_default()));
            }
        }
        took_part.volunteers += usize::from(hours.len() > before);
        let mut sessions = year.sessions(volunteer.id).peekable();
        linked.volunteers += usize::from(sessions.peek().is_some());
        linked.events.extend(sessions.map(|event| event.id));
    }
    hours.sort_unstable_by_key(|&(id, _)| id);
    took_part.hours = hours.into_iter().fold(0.0, |sum, (_, hours)| sum + hours);
    (took_part, linked)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Summary;
    use crate::reports::Mode;
    use crate::reports::testing::{World, career_fair, event, key, session};

    fn world() -> World {
        World::default().organization(1, "Acme")
    }

    trait Summarized {
        fn summary(&self) -> Value;
    }

    impl Summarized for World {
        /// Returns the summary of 2526.
        fn summary(&self) -> Value {
            let [summary] = self.columns(&Summary, Mode::Exact, &key(&["2526"]));
            summary
        }
    }

    #[test]
    fn participations_and_links_are_added_up() {
        let summary = world()
            .organization(2, "Beta")
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .volunteer(11, "Bob", "Baker")
            .member(11, 1)
            .member(11, 2)
            .event(career_fair(1, "DRAFT"))
            .event(event(2, None, "2025-10-02 09:00:00"))
            .event(session(3))
            .took_part(1, 10, "Attended", Some(1.125))
            .took_part(1, 10, "Attended", Some(1.125))
            .took_part(2, 10, "Completed", None)
            .took_part(3, 10, "Attended", Some(1.375))
            .took_part(1, 11, "Registered", Some(8.0))
            .linked(3, 10)
            .linked(3, 11)
            .summary();
        assert_eq!(
            summary.to_string(),
            r#"[{"name":"Acme","id":1,"unique_sessions":4,"total_hours":3.62,"unique_volunteers":3},{"name":"Beta","id":2,"unique_sessions":1,"total_hours":0,"unique_volunteers":1}]"#
        );
    }

    #[test]
    fn exclusion_and_membership_dates_do_not_matter() {
        let mut world = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .excluded(10, Some(true))
            .event(career_fair(1, "COMPLETED"))
            .took_part(1, 10, "Attended", Some(1.0));
        world.volunteer_organizations[0].start = Some("2026-05-01 00:00:00.000000".into());
        assert_eq!(world.summary()[0]["unique_volunteers"], 1);
    }

    #[test]
    fn a_person_without_a_contact_or_a_volunteer_row_does_not_count() {
        let one = || {
            world().volunteer(10, "Ann", "Able").member(10, 1).event(career_fair(1, "COMPLETED")).took_part(
                1,
                10,
                "Attended",
                Some(1.0),
            )
        };
        let (mut no_contact, mut no_volunteer) = (one(), one());
        no_contact.contacts.clear();
        no_volunteer.volunteers.clear();
        assert_eq!((no_contact.summary(), no_volunteer.summary()), (json!([]), json!([])));
    }

    #[test]
    fn organizations_are_ordered_by_hours_with_session_only_ones_last() {
        let mut world = World::default();
        for id in 1..=5 {
            world = world.organization(id, "Any").volunteer(10 + id, "Ann", "Able").member(10 + id, id);
        }
        let summary = world
            .event(career_fair(1, "COMPLETED"))
            .event(session(2))
            .linked(2, 11)
            .took_part(1, 12, "Attended", Some(1.0))
            .took_part(1, 13, "Attended", None)
            .took_part(1, 14, "Attended", Some(2.0))
            .took_part(1, 15, "Attended", Some(1.0))
            .summary();
        let ids: Vec<&Value> = summary.as_array().unwrap().iter().map(|element| &element["id"]).collect();
        assert_eq!(ids, [4, 2, 5, 3, 1]);
    }

    #[test]
    fn hours_are_added_in_the_order_of_participations() {
        // Added by volunteer the sum would be 2.0 + 1.5 + 2.675 + 1.1, just below 7.275.
        let summary = world()
            .volunteer(10, "Ann", "Able")
            .member(10, 1)
            .volunteer(11, "Bob", "Baker")
            .member(11, 1)
            .volunteer(12, "Cid", "Cook")
            .member(12, 1)
            .event(career_fair(1, "COMPLETED"))
            .took_part(1, 10, "Attended", Some(2.0))
            .took_part(1, 11, "Attended", Some(2.675))
            .took_part(1, 10, "Attended", Some(1.5))
            .took_part(1, 12, "Attended", Some(1.1))
            .summary();
        assert_eq!(summary[0]["total_hours"], 7.28);
    }

    #[test]
    fn a_year_without_events_has_a_row() {
        let rows = world().rows(&Summary, Mode::Exact);
        assert_eq!(rows["2425"].to_string(), r#"{"organizations_data":[]}"#);
    }
}
