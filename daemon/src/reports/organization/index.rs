//! Lookups over the snapshot, for all years and for one, and who is a member when.
//!
//! # Membership
//!
//! Membership decides to which organization engagement belongs. The rules are `membership_date_filter` and
//! `event_tenure_filter` of VMS's `utils/services/org_membership_filter.py` in its mode "verified". A
//! membership is open when it is
//! `Current` and has no end; a membership of any status that has an end lasts until then; any other
//! membership (past, pending or of no status, without an end) never counts, because its end is unknown. A
//! missing start means that it always existed.
//!
//! All instants are compared as SQLite does: as text.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::reports::year::{SchoolYear, Window, Year};
use crate::snapshot::{
    AttendanceDetail, Contact, Event, EventTeacher, EventVolunteer, Groups, Participation, Snapshot,
    VolunteerOrganization,
};
use crate::vms::enums::{COMPLETED, CONFIRMED, SIMULCAST, VIRTUAL_SESSION};
use crate::vms::time::Stored;

/// Lookups that do not depend on the year.
pub(super) struct Index<'s> {
    pub(super) snapshot: &'s Snapshot,
    volunteers: HashMap<i64, &'s Contact>,
    memberships: Groups<i64>,
}

impl<'s> Index<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let volunteers = snapshot.volunteers.iter().map(|volunteer| volunteer.id);
        Self {
            snapshot,
            volunteers: people(snapshot, volunteers),
            memberships: Groups::by(&snapshot.volunteer_organizations, |membership| {
                Some(membership.organization)
            }),
        }
    }
}

/// Returns the contacts that have one of `ids`.
pub(super) fn people(snapshot: &Snapshot, ids: impl Iterator<Item = i64>) -> HashMap<i64, &Contact> {
    let ids: HashSet<i64> = ids.collect();
    snapshot
        .contacts
        .iter()
        .filter(|contact| ids.contains(&contact.id))
        .map(|contact| (contact.id, contact))
        .collect()
}

/// The events of one year and their participants.
pub(super) struct Events<'s> {
    index: Arc<Index<'s>>,
    window: Window,
    by_id: HashMap<i64, &'s Event>,
    participations: Groups<i64>,
    sessions: Groups<i64>,
}

impl<'s> Events<'s> {
    pub(super) fn new(index: Arc<Index<'s>>, year: SchoolYear) -> Self {
        let window = year.window();
        let snapshot = index.snapshot;
        let by_id: HashMap<i64, &Event> = snapshot
            .events
            .iter()
            .filter(|event| window.contains(event.start.as_ref()))
            .map(|event| (event.id, event))
            .collect();
        let participations = Groups::by(&snapshot.participations, |row| {
            by_id.contains_key(&row.event).then_some(row.volunteer)
        });
        let sessions = Groups::by(&snapshot.event_volunteers, |row| {
            by_id.get(&row.event).is_some_and(|event| is_counted_session(event)).then_some(row.volunteer)
        });
        Self { index, window, by_id, participations, sessions }
    }

    /// Returns the members of an organization at any time in the year, in insertion order.
    pub(super) fn members(
        &self,
        organization: i64,
    ) -> impl Iterator<Item = (&'s VolunteerOrganization, &'s Contact)> {
        self.index
            .memberships
            .rows(&self.index.snapshot.volunteer_organizations, &organization)
            .filter(|membership| is_member_in(membership, &self.window))
            .filter_map(|membership| Some((membership, *self.index.volunteers.get(&membership.volunteer)?)))
    }

    /// Returns a volunteer's participations in events of the year, by id.
    pub(super) fn participations(
        &self,
        volunteer: i64,
    ) -> impl Iterator<Item = (&'s Participation, &'s Event)> {
        self.participations
            .rows(&self.index.snapshot.participations, &volunteer)
            .filter_map(|row: &Participation| Some((row, *self.by_id.get(&row.event)?)))
    }

    /// Returns the counted virtual sessions of the year that a volunteer is linked to.
    pub(super) fn sessions(&self, volunteer: i64) -> impl Iterator<Item = &'s Event> {
        self.sessions
            .rows(&self.index.snapshot.event_volunteers, &volunteer)
            .filter_map(|row: &EventVolunteer| self.by_id.get(&row.event).copied())
    }
}

fn is_counted_session(event: &Event) -> bool {
    event.kind.as_deref() == Some(VIRTUAL_SESSION)
        && matches!(event.status.as_deref(), Some(COMPLETED | CONFIRMED | SIMULCAST))
}

/// Lookups that only the detail needs.
pub(super) struct DetailIndex<'s> {
    pub(super) snapshot: &'s Snapshot,
    emails: HashMap<i64, Option<&'s str>>,
    attendance: HashMap<i64, &'s AttendanceDetail>,
    registrations: Groups<i64>,
    teachers: HashMap<i64, Teaching<'s>>,
}

/// A teacher, with school and district according to Salesforce.
#[derive(Clone, Copy)]
pub(super) struct Teaching<'s> {
    pub(super) contact: &'s Contact,
    pub(super) school: Option<&'s str>,
    pub(super) district: Option<&'s str>,
}

impl<'s> DetailIndex<'s> {
    pub(super) fn new(snapshot: &'s Snapshot) -> Self {
        let mut emails = HashMap::new();
        for email in snapshot.emails.iter().filter(|email| email.primary == Some(true)) {
            emails.entry(email.contact).or_insert(email.address.as_deref());
        }
        let mut attendance = HashMap::new();
        for detail in &snapshot.attendance_details {
            attendance.entry(detail.event).or_insert(detail);
        }
        Self {
            snapshot,
            emails,
            attendance,
            registrations: Groups::by(&snapshot.event_teachers, |row| Some(row.event)),
            teachers: teachers(snapshot),
        }
    }

    /// Returns a contact's primary mail address: of several marked as primary, the oldest.
    pub(super) fn email(&self, contact: i64) -> Option<&'s str> {
        self.emails.get(&contact).copied().flatten()
    }

    /// Returns the attendance that staff entered for an event.
    pub(super) fn attendance(&self, event: i64) -> Option<&'s AttendanceDetail> {
        self.attendance.get(&event).copied()
    }

    /// Returns the registrations for an event, by teacher id; the teacher is `None` when the registration
    /// refers to a teacher who does not exist.
    pub(super) fn registrations(&self, event: i64) -> Vec<(&'s EventTeacher, Option<Teaching<'s>>)> {
        let mut rows: Vec<_> = self
            .registrations
            .rows(&self.snapshot.event_teachers, &event)
            .map(|row| (row, self.teachers.get(&row.teacher).copied()))
            .collect();
        rows.sort_by_key(|(row, _)| row.teacher);
        rows
    }
}

fn teachers(snapshot: &Snapshot) -> HashMap<i64, Teaching<'_>> {
    let contacts = people(snapshot, snapshot.teachers.iter().map(|teacher| teacher.id));
    let districts: HashMap<i64, &str> =
        snapshot.districts.iter().map(|district| (district.id, &*district.name)).collect();
    let schools: HashMap<&str, _> = snapshot.schools.iter().map(|school| (&*school.id, school)).collect();
    snapshot
        .teachers
        .iter()
        .filter_map(|teacher| {
            let school = teacher.salesforce_school.as_deref().and_then(|id| schools.get(id));
            let district = school.and_then(|school| districts.get(&school.district?));
            Some((
                teacher.id,
                Teaching {
                    contact: contacts.get(&teacher.id)?,
                    school: school.map(|school| &*school.name),
                    district: district.copied(),
                },
            ))
        })
        .collect()
}

const CURRENT: &str = "Current";

/// Returns whether a membership holds at any time in the window.
fn is_member_in(membership: &VolunteerOrganization, window: &Window) -> bool {
    membership.start.as_deref().is_none_or(|start| start <= window.to())
        && lasts_until(membership, window.from())
}

/// Returns whether a membership holds at the beginning of an event. An event without a beginning is never
/// inside.
pub(super) fn covers(membership: &VolunteerOrganization, at: Option<&Stored>) -> bool {
    at.is_some_and(|at| {
        membership.start.as_deref().is_none_or(|start| &*at.text >= start)
            && lasts_until(membership, &at.text)
    })
}

fn lasts_until(membership: &VolunteerOrganization, at: &str) -> bool {
    match membership.end.as_deref() {
        Some(end) => end >= at,
        None => membership.status.as_deref() == Some(CURRENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(status: Option<&str>, start: Option<&str>, end: Option<&str>) -> VolunteerOrganization {
        VolunteerOrganization {
            volunteer: 1,
            organization: 1,
            primary: None,
            status: status.map(Into::into),
            start: start.map(Into::into),
            end: end.map(Into::into),
        }
    }

    const FIRST: &str = "2025-08-01 00:00:00.000000";
    const LAST: &str = "2026-07-31 00:00:00.000000";
    const BEFORE: &str = "2025-07-31 23:59:59.999999";
    const AFTER: &str = "2026-07-31 00:00:00.000001";

    #[test]
    fn only_an_open_or_ended_membership_within_the_window_counts() {
        let window = SchoolYear::from_key("2526").unwrap().window();
        for (status, start, end, expected) in [
            (Some("Current"), None, None, true),
            (Some("current"), None, None, false),
            (Some("Past"), None, None, false),
            (Some("Pending"), None, None, false),
            (None, None, None, false),
            (Some("Past"), None, Some(FIRST), true),
            (Some("Past"), None, Some(BEFORE), false),
            (Some("Current"), None, Some(BEFORE), false),
            (Some("Pending"), None, Some(LAST), true),
            (None, None, Some(LAST), true),
            (Some("Current"), Some(LAST), None, true),
            (Some("Current"), Some(AFTER), None, false),
            (Some("Past"), Some(AFTER), Some(AFTER), false),
            (Some("Past"), Some(BEFORE), Some(AFTER), true),
        ] {
            let case = membership(status, start, end);
            assert_eq!(is_member_in(&case, &window), expected, "{case:?}");
        }
    }

    #[test]
    fn only_events_between_the_bounds_of_a_membership_count() {
        let event = Stored::read("2025-10-01 09:30:00.000000").unwrap();
        for (status, start, end, expected) in [
            (Some("Current"), None, None, true),
            (Some("Past"), None, None, false),
            (None, None, None, false),
            (Some("Current"), Some("2025-10-01 09:30:00.000000"), None, true),
            (Some("Current"), Some("2025-10-01 09:30:00.000001"), None, false),
            (Some("Past"), None, Some("2025-10-01 09:30:00.000000"), true),
            (Some("Past"), None, Some("2025-10-01 09:29:59.999999"), false),
            (Some("Current"), None, Some("2025-09-30 00:00:00.000000"), false),
            (None, Some("2025-09-01 00:00:00.000000"), Some("2025-11-01 00:00:00.000000"), true),
            // Bounds are compared as text: one that is only a date sorts before every time of that day.
            (Some("Past"), None, Some("2025-10-01"), false),
        ] {
            let case = membership(status, start, end);
            assert_eq!(covers(&case, Some(&event)), expected, "{case:?}");
            assert!(!covers(&case, None));
        }
    }
}
