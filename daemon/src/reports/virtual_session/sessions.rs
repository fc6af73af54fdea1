//! Facts about each session that both reports use, computed once per year.
//!
//! A session took place when its status is completed or simulcast; it was moved to a classroom when its
//! imported status contains "moved to in-person" in any case. Dates and times are printed as stored.
//!
//! # Presenters
//!
//! Presenters of a session, and the organizations that they represent.
//!
//! The joined list of organizations has one name per presenter, the primary organization of VMS's
//! `services/virtual_computation_service.py`: the organization of the first membership that is marked as
//! primary; if that has no name, the organization of the very first membership; if that has no name either,
//! the volunteer's own text, unless it is empty or a Salesforce id (18 letters and digits); else
//! `Independent`.

use std::sync::Arc;

use serde::Serialize;

use crate::reports::dialect::{is_alphanumeric, strip};
use crate::reports::virtual_session::index::{Index, Place};
use crate::reports::year::VirtualYear;
use crate::snapshot::{Contact, Event, EventTeacher, Organization, School, Volunteer, find};
use crate::vms::enums::{COMPLETED, SIMULCAST, event_status_value};

/// Part of the imported status that marks a session as moved to a classroom, in lower case.
const MOVED: &str = "moved to in-person";

/// A session.
#[derive(Debug)]
pub(super) struct Session<'s> {
    pub(super) event: &'s Event,
    /// Value of the session's status.
    pub(super) status: &'s str,
    /// Whether the session took place.
    pub(super) completed: bool,
    /// Whether the session was moved to a classroom.
    pub(super) moved: bool,
    /// `MM/DD/YY`, as stored.
    pub(super) date: String,
    /// `HH:MM AM`, as stored.
    pub(super) time: String,
    pub(super) place: Place<'s>,
    /// By teacher id.
    pub(super) registrations: Vec<Registration<'s>>,
    pub(super) panel: Panel<'s>,
}

/// A teacher's registration for a session.
#[derive(Debug)]
pub(super) struct Registration<'s> {
    pub(super) link: &'s EventTeacher,
    /// `None` when the teacher does not exist.
    pub(super) teacher: Option<Teacher<'s>>,
}

/// A registered teacher.
#[derive(Debug)]
pub(super) struct Teacher<'s> {
    pub(super) id: i64,
    pub(super) name: Arc<str>,
    pub(super) school: Option<&'s School>,
    /// Name of the school's district.
    pub(super) school_district: Option<&'s str>,
    /// District name by which the registration is matched, normalized: the school's district, else the
    /// session's place.
    pub(super) matched: Option<String>,
}

/// Returns the sessions of a year, latest first.
pub(super) fn sessions<'s>(index: &Index<'s>, year: VirtualYear) -> Vec<Arc<Session<'s>>> {
    index.events(year).into_iter().map(|event| Arc::new(Session::new(event, index))).collect()
}

impl<'s> Session<'s> {
    fn new(event: &'s Event, index: &Index<'s>) -> Self {
        let status = event.status.as_deref().unwrap_or_default();
        let original = event.original_status.as_deref().unwrap_or_default();
        let shown = |format| {
            event.start.as_ref().map(|start| start.at.format(format).to_string()).unwrap_or_default()
        };
        let place = index.place(event);
        let registrations = index.registrations(event).into_iter();
        Self {
            event,
            status: event_status_value(status),
            completed: status == COMPLETED || status == SIMULCAST,
            moved: original.to_lowercase().contains(MOVED),
            date: shown("%m/%d/%y"),
            time: shown("%I:%M %p"),
            place,
            registrations: registrations
                .map(|link| Registration { link, teacher: Teacher::new(link.teacher, place, index) })
                .collect(),
            panel: Panel::new(&index.presenters(event), index),
        }
    }

    pub(super) fn kind(&self) -> &'s str {
        self.event.additional_information.as_deref().unwrap_or_default()
    }

    pub(super) fn topic(&self) -> &'s str {
        self.event.series.as_deref().unwrap_or_default()
    }

    pub(super) fn link(&self) -> &'s str {
        self.event.registration_link.as_deref().unwrap_or_default()
    }

    pub(super) fn title(&self) -> Option<&'s str> {
        self.event.title.as_deref()
    }

    /// Returns the duration in minutes.
    pub(super) fn duration(&self) -> i64 {
        self.event.duration.unwrap_or_default()
    }

    /// Estimates the bytes that the session takes in a payload.
    pub(super) fn weight(&self) -> usize {
        const KEYS: usize = 320;
        const KEYS_OF_PRESENTER: usize = 140;
        KEYS + self.title().map_or(0, str::len)
            + self.kind().len()
            + self.topic().len()
            + self.link().len()
            + 2 * self.panel.names.len()
            + 2 * self.panel.organizations.len()
            + self.panel.presenters.len() * KEYS_OF_PRESENTER
    }
}

impl<'s> Teacher<'s> {
    fn new(id: i64, place: Place<'s>, index: &Index<'s>) -> Option<Self> {
        let contact = index.teacher(id)?;
        let school = index.school_of(id);
        let school_district = school.and_then(|school| index.district_of(school));
        let district = school_district.filter(|name| !name.is_empty()).or(place.named());
        Some(Self {
            id,
            name: short_name(contact).into(),
            school,
            school_district,
            matched: district.map(normalized),
        })
    }

    pub(super) fn school_name(&self) -> Option<&'s str> {
        self.school.map(|school| school.name.as_ref())
    }
}

/// Returns a name in its form for comparison: trimmed, in lower case.
pub(super) fn normalized(name: &str) -> String {
    strip(name).to_lowercase()
}

/// Shown for a presenter without any organization.
const INDEPENDENT: &str = "Independent";

/// Value of `local_status` that makes a presenter local.
const LOCAL: &str = "local";

/// A presenter, as both reports contain it.
#[derive(Debug, Serialize)]
pub(super) struct Presenter<'s> {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) is_people_of_color: Option<bool>,
    /// The volunteer's own text; can be empty or a Salesforce id.
    pub(super) organization_name: Option<&'s str>,
    /// Names by organization id; repeated and empty names are kept.
    pub(super) organizations: Vec<Option<&'s str>>,
    pub(super) is_local: bool,
}

impl Presenter<'_> {
    /// Returns whether the presenter is known to be a person of color.
    pub(super) fn of_color(&self) -> bool {
        self.is_people_of_color == Some(true)
    }
}

/// The presenters of a session.
#[derive(Debug)]
pub(super) struct Panel<'s> {
    /// The presenters, by id.
    pub(super) presenters: Vec<Presenter<'s>>,
    /// Their names, joined by commas.
    pub(super) names: String,
    /// The primary organization of each presenter, joined by commas.
    pub(super) organizations: String,
}

impl<'s> Panel<'s> {
    pub(super) fn new(people: &[(&'s Volunteer, &'s Contact)], index: &Index<'s>) -> Self {
        let presenters: Vec<Presenter<'s>> =
            people.iter().map(|(volunteer, contact)| presenter(volunteer, contact, index)).collect();
        let names: Vec<&str> = presenters.iter().map(|presenter| presenter.name.as_str()).collect();
        let organizations: Vec<&str> =
            people.iter().map(|(volunteer, _)| primary_organization(volunteer, index)).collect();
        Self { names: names.join(", "), organizations: organizations.join(", "), presenters }
    }

    /// Returns whether any presenter is local.
    pub(super) fn has_local(&self) -> bool {
        self.presenters.iter().any(|presenter| presenter.is_local)
    }

    /// Returns whether any presenter is known to be a person of color.
    pub(super) fn has_of_color(&self) -> bool {
        self.presenters.iter().any(Presenter::of_color)
    }
}

fn presenter<'s>(volunteer: &'s Volunteer, contact: &Contact, index: &Index<'s>) -> Presenter<'s> {
    let mut memberships: Vec<i64> =
        index.memberships(volunteer.id).map(|membership| membership.organization).collect();
    memberships.sort_unstable();
    let organizations = memberships.into_iter().filter_map(|id| organization(id, index));
    Presenter {
        id: volunteer.id,
        name: full_name(contact),
        is_people_of_color: volunteer.people_of_color,
        organization_name: volunteer.organization_name.as_deref(),
        organizations: organizations.map(|organization| organization.name.as_deref()).collect(),
        is_local: volunteer.local_status.as_deref() == Some(LOCAL),
    }
}

fn organization<'s>(id: i64, index: &Index<'s>) -> Option<&'s Organization> {
    find(&index.snapshot.organizations, id, |row| row.id)
}

/// Returns the name of the first membership marked as primary, else of the very first membership, in the
/// order of insertion; if neither has a name, the volunteer's own text unless it is a Salesforce id.
fn primary_organization<'s>(volunteer: &'s Volunteer, index: &Index<'s>) -> &'s str {
    let memberships = || index.memberships(volunteer.id);
    let primary = memberships().find(|membership| membership.primary == Some(true));
    let name = |id| organization(id, index)?.name.as_deref().filter(|name| !name.is_empty());
    primary
        .and_then(|membership| name(membership.organization))
        .or_else(|| memberships().next().and_then(|membership| name(membership.organization)))
        .or_else(|| volunteer.organization_name.as_deref().filter(|name| is_shown(name)))
        .unwrap_or(INDEPENDENT)
}

fn is_shown(organization_name: &str) -> bool {
    let salesforce_id = organization_name.chars().count() == 18 && is_alphanumeric(organization_name);
    !organization_name.is_empty() && !salesforce_id
}

/// Returns first, middle (if any) and last name; not trimmed.
fn full_name(contact: &Contact) -> String {
    match contact.middle_name.as_deref().filter(|middle| !middle.is_empty()) {
        Some(middle) => {
            format!("{} {middle} {}", part(contact.first_name.as_deref()), part(contact.last_name.as_deref()))
        }
        None => short_name(contact),
    }
}

/// Returns first and last name; not trimmed.
pub(super) fn short_name(contact: &Contact) -> String {
    format!("{} {}", part(contact.first_name.as_deref()), part(contact.last_name.as_deref()))
}

/// Returns a name part; a missing one is printed as Python prints it. VMS's columns do not allow a missing
/// one.
fn part(name: Option<&str>) -> &str {
    name.unwrap_or("None")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::testing::World;

    #[test]
    fn the_primary_organization_falls_back_to_the_first_membership_and_then_to_own_text() {
        let salesforce_id = "0015f00000JU4opAAD";
        for (memberships, text, expected) in [
            (&[(3, false), (1, true), (2, true)][..], "Text", "Alpha"),
            (&[(3, false), (1, false)], "Text", "Zeta"),
            // The primary membership has no name: the first one counts, not the next primary one.
            (&[(3, false), (4, true), (1, true)], "Text", "Zeta"),
            // The first membership has no name: no other membership is read.
            (&[(4, false), (1, false)], "Text", "Text"),
            (&[(4, true)], "", INDEPENDENT),
            (&[], salesforce_id, INDEPENDENT),
            (&[], "0015f00000JU4op-AD", "0015f00000JU4op-AD"),
            (&[], "", INDEPENDENT),
        ] {
            let world = [(1, "Alpha"), (2, "Mid"), (3, "Zeta"), (4, "")]
                .into_iter()
                .fold(World::default(), |world, (id, name)| world.organization(id, name));
            let world = memberships.iter().fold(world, |world, &(organization, primary)| {
                world.member_as(7, organization, Some(primary))
            });
            let someone = Volunteer { id: 7, organization_name: Some(text.into()), ..Volunteer::default() };
            assert_eq!(
                primary_organization(&someone, &Index::new(&world)),
                expected,
                "{memberships:?} {text:?}"
            );
        }
    }

    #[test]
    fn organizations_come_by_id_and_names_are_not_trimmed() {
        let world = World::default()
            .organization(1, "Alpha")
            .organization(2, "")
            .organization(3, "Alpha")
            .member_as(7, 3, Some(false))
            .member_as(7, 9, Some(true))
            .member_as(7, 2, Some(false))
            .member_as(7, 1, Some(false))
            .volunteer_as(7, |contact, volunteer| {
                (contact.first_name, contact.middle_name) = (Some("Val ".into()), Some("Q".into()));
                contact.last_name = Some("Two".into());
                volunteer.organization_name = Some("Text".into());
            })
            .volunteer_as(8, |contact, volunteer| {
                (contact.first_name, contact.last_name) = (Some("Vic".into()), Some("One".into()));
                volunteer.organization_name = Some("Text".into());
            });
        let people: Vec<_> = world.volunteers.iter().zip(&world.contacts).collect();
        let panel = Panel::new(&people, &Index::new(&world));
        assert_eq!(panel.names, "Val  Q Two, Vic One");
        assert_eq!(panel.organizations, "Alpha, Text");
        assert_eq!(panel.presenters[0].organizations, [Some("Alpha"), Some(""), Some("Alpha")]);
    }
}
