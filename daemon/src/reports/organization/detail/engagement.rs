//! Participations and sessions of each member of an organization within the membership.

use super::super::index::Year;
use super::super::membership::covers;
use crate::snapshot::{Contact, Event, Participation};

/// One member's engagement in the events of a year.
pub(super) struct Engagement<'s> {
    pub(super) volunteer: &'s Contact,
    /// Participations of any status, by id.
    pub(super) participations: Vec<(&'s Participation, &'s Event)>,
    /// Counted virtual sessions, in the order of their links.
    pub(super) sessions: Vec<&'s Event>,
}

/// Returns the engagement of an organization's members, by volunteer id.
pub(super) fn engagement<'s>(organization: i64, year: &Year<'s>) -> Vec<Engagement<'s>> {
    let mut all: Vec<_> = year
        .members(organization)
        .filter(|(_, volunteer)| volunteer.exclude_from_reports == Some(false))
        .map(|(membership, volunteer)| Engagement {
            volunteer,
            participations: year
                .participations(volunteer.id)
                .filter(|(_, event)| covers(membership, event.start.as_ref()))
                .collect(),
            sessions: year
                .sessions(volunteer.id)
                .filter(|event| covers(membership, event.start.as_ref()))
                .collect(),
        })
        .collect();
    all.sort_by_key(|engagement| engagement.volunteer.id);
    all
}

/// Returns a name as VMS composes it; a missing part is printed as Python prints it (`None`).
pub(super) fn name(contact: &Contact) -> String {
    let [first, last] =
        [&contact.first_name, &contact.last_name].map(|part| part.as_deref().unwrap_or("None"));
    format!("{first} {last}")
}
