//! `summary_stats`: the figures that the list page shows for each district.

use std::collections::HashSet;

use serde::Serialize;

use super::event::Engaged;
use super::people::{Directory, participations};
use crate::reports::district::count;
use crate::reports::district::facts::recorded_hours;
use crate::reports::number::Hours;

#[derive(Serialize)]
pub(super) struct Summary<'s> {
    name: &'s str,
    unique_volunteers: i64,
    total_volunteer_engagements: i64,
    total_volunteer_hours: Hours,
    unique_students: i64,
    total_student_participations: i64,
    total_students_with_virtual: i64,
    unique_events: i64,
    unique_organizations: i64,
    schools_engaged: i64,
}

/// Returns the summary of a district, under its name in the mapping.
///
/// Unlike the lists of people it also counts volunteers who no longer exist. Schools are those at which
/// events took place, of any district.
pub(super) fn summary<'s>(
    name: &'s str,
    engaged: &[Engaged<'_, 's>],
    directory: &Directory<'s>,
) -> Summary<'s> {
    let rows = participations(engaged);
    let volunteers: HashSet<i64> = rows.iter().map(|row| row.volunteer).collect();
    let organizations: HashSet<i64> =
        volunteers.iter().flat_map(|&volunteer| directory.organizations(volunteer)).copied().collect();
    let students = || engaged.iter().flat_map(|engaged| engaged.roster).map(|attendee| attendee.row.student);
    let schools: HashSet<&str> = engaged
        .iter()
        .filter_map(|engaged| engaged.event.event.school.as_deref())
        .filter(|school| !school.is_empty())
        .collect();
    Summary {
        name,
        unique_volunteers: count(volunteers.len()),
        total_volunteer_engagements: count(rows.len()),
        total_volunteer_hours: recorded_hours(rows).rounded(1),
        unique_students: count(students().collect::<HashSet<_>>().len()),
        total_student_participations: count(students().count()),
        total_students_with_virtual: engaged.iter().map(|engaged| engaged.students).sum(),
        unique_events: count(engaged.len()),
        unique_organizations: count(organizations.len()),
        schools_engaged: count(schools.len()),
    }
}
