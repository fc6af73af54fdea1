//! An organization's volunteers and events in a year, in five lists, as VMS's
//! `OrganizationService.get_organization_detail` computes them.
//!
//! All lists are derived from the engagement of the organization's members: what each of them did at events
//! of the year that lie within the membership. A member who is excluded from reports is left out, and so is
//! one whose exclusion is unknown: VMS filters by `exclude_from_reports = 0`, and NULL is not equal to it.
//!
//! # `volunteers_data`
//!
//! As `_get_volunteers_data` of VMS's `OrganizationService`.
//!
//! Members with attended participations by id, then those with virtual sessions only, by id. `events` is the
//! number of distinct events they attended, of any type, plus the number of sessions they are linked to: a
//! session that is recorded both ways counts twice. Hours come from attended participations alone; every row
//! counts, added in the order of ids as SQLite does, and the sum is rounded to two decimals. The address is
//! the contact's first primary one.
//!
//! # `summary_stats`
//!
//! As `_calculate_summary_stats`.
//!
//! VMS's page fails when one of the keys is missing. Hours are the sum of the volunteers' rounded hours and
//! are not rounded again; students are summed over in-person events, regardless of which volunteer met them;
//! classrooms are distinct names of teachers over all sessions; sessions in total are in-person events plus
//! virtual sessions.

use std::collections::HashSet;

use serde::Serialize;

use crate::reports::dialect::Hours;
use crate::reports::organization::detail::events::{
    CancelledEvent, Engagement, InPersonEvent, VirtualEvent, cancelled, engagement, in_person, name, sessions,
};
use crate::reports::organization::index::{DetailIndex, Events};
use crate::reports::organization::sql_sum;

/// The five lists.
pub(super) struct Lists<'s> {
    pub(super) in_person: Vec<InPersonEvent<'s>>,
    pub(super) sessions: Vec<VirtualEvent<'s>>,
    pub(super) cancelled: Vec<CancelledEvent<'s>>,
    pub(super) volunteers: Vec<Volunteer<'s>>,
    pub(super) stats: Stats,
}

impl<'s> Lists<'s> {
    /// Computes the lists of one organization and year.
    pub(super) fn of(organization: i64, year: &Events<'s>, index: &DetailIndex<'s>) -> Self {
        let engagement = engagement(organization, year);
        let in_person = in_person(&engagement, index);
        let sessions = sessions(&engagement, index);
        let cancelled = cancelled(&engagement);
        let volunteers = volunteers(&engagement, index);
        let stats = Stats::of(&in_person, &sessions, &cancelled, &volunteers);
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

#[derive(Serialize)]
pub(super) struct Volunteer<'s> {
    id: i64,
    name: String,
    email: Option<&'s str>,
    events: usize,
    pub(super) hours: Hours,
}

/// Returns the list.
pub(super) fn volunteers<'s>(engagement: &[Engagement<'s>], index: &DetailIndex<'s>) -> Vec<Volunteer<'s>> {
    let (mut volunteers, mut with_sessions_only) = (Vec::new(), Vec::new());
    for member in engagement {
        let mut events = HashSet::new();
        let mut hours = 0.0;
        for (participation, event) in &member.participations {
            if participation.is_attended() {
                events.insert(event.id);
                hours += participation.hours.unwrap_or_default();
            }
        }
        if events.is_empty() && member.sessions.is_empty() {
            continue;
        }
        let list = if events.is_empty() { &mut with_sessions_only } else { &mut volunteers };
        list.push(Volunteer {
            id: member.volunteer.id,
            name: name(member.volunteer),
            email: index.email(member.volunteer.id),
            events: events.len() + member.sessions.len(),
            hours: sql_sum(hours).rounded(2),
        });
    }
    volunteers.append(&mut with_sessions_only);
    volunteers
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys that VMS's page reads")]
pub(super) struct Stats {
    total_inperson_sessions: usize,
    total_virtual_sessions: usize,
    total_sessions: usize,
    total_hours: Hours,
    total_volunteers: usize,
    total_cancelled: usize,
    total_students_reached: i64,
    total_classrooms_reached: usize,
}

impl Stats {
    /// Computes the figures from the lists.
    pub(super) fn of(
        in_person: &[InPersonEvent<'_>],
        sessions: &[VirtualEvent<'_>],
        cancelled: &[CancelledEvent<'_>],
        volunteers: &[Volunteer<'_>],
    ) -> Self {
        let teachers: HashSet<_> = sessions
            .iter()
            .flat_map(|session| &session.classroom_details)
            .map(|classroom| &classroom.teacher_name)
            .collect();
        Self {
            total_inperson_sessions: in_person.len(),
            total_virtual_sessions: sessions.len(),
            total_sessions: in_person.len() + sessions.len(),
            total_hours: volunteers.iter().map(|volunteer| volunteer.hours).sum(),
            total_volunteers: volunteers.len(),
            total_cancelled: cancelled.len(),
            total_students_reached: in_person
                .iter()
                .fold(0, |students: i64, event| students.saturating_add(event.students)),
            total_classrooms_reached: teachers.len(),
        }
    }
}
