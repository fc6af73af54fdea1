//! An organization's volunteers and events in a year, in five lists, as VMS's
//! `OrganizationService.get_organization_detail` computes them.
//!
//! All lists are derived from the engagement of the organization's members: what each of them did at events
//! of the year that lie within the membership. A member who is excluded from reports is left out, and so is
//! one whose exclusion is unknown: VMS filters by `exclude_from_reports = 0`, and NULL is not equal to it.

mod cancelled;
mod engagement;
mod events;
mod in_person;
mod sessions;
mod stats;
#[cfg(test)]
mod tests;
mod volunteers;

use super::index::{DetailIndex, Year};
use engagement::engagement;

/// The five lists.
pub(super) struct Lists<'s> {
    pub(super) in_person: Vec<in_person::InPersonEvent<'s>>,
    pub(super) sessions: Vec<sessions::VirtualEvent<'s>>,
    pub(super) cancelled: Vec<cancelled::CancelledEvent<'s>>,
    pub(super) volunteers: Vec<volunteers::Volunteer<'s>>,
    pub(super) stats: stats::Stats,
}

impl<'s> Lists<'s> {
    /// Computes the lists of one organization and year.
    pub(super) fn of(organization: i64, year: &Year<'s>, index: &DetailIndex<'s>) -> Self {
        let engagement = engagement(organization, year);
        let in_person = in_person::events(&engagement, index);
        let sessions = sessions::events(&engagement, index);
        let cancelled = cancelled::events(&engagement);
        let volunteers = volunteers::volunteers(&engagement, index);
        let stats = stats::Stats::of(&in_person, &sessions, &cancelled, &volunteers);
        Self { in_person, sessions, cancelled, volunteers, stats }
    }

    /// Estimates the length of the payload as text. Titles and names are assumed to be of ordinary length.
    pub(super) fn estimated_bytes(&self) -> usize {
        const FIXED: usize = 300;
        const VOLUNTEER: usize = 120;
        const EVENT: usize = 260;
        const NAME: usize = 24;
        const CLASSROOM: usize = 180;
        let names = self.in_person.iter().map(|event| event.volunteers.len()).sum::<usize>()
            + self.sessions.iter().map(|event| event.volunteers.len()).sum::<usize>();
        let classrooms: usize = self.sessions.iter().map(|event| event.classroom_details.len()).sum();
        FIXED
            + VOLUNTEER * self.volunteers.len()
            + EVENT * (self.in_person.len() + self.sessions.len() + self.cancelled.len())
            + NAME * names
            + CLASSROOM * classrooms
    }
}
