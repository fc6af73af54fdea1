//! `filter_options`: the options of the page's drop-down lists, as in VMS's `compute_virtual_session_data`.
//!
//! * `school_years` are the years that VMS's page offers, newest first ([`VirtualYear::offered`]).
//! * All other lists hold distinct names sorted by code point, over all sessions of the year, of whatever
//!   status.
//! * `career_clusters` and `statuses` leave out empty texts.
//! * `schools` are those of registered teachers who exist.
//! * `districts` are the places of the sessions and the districts of registered teachers' schools. Empty
//!   names are kept, and `Unknown District` is not among them unless a place has that name.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::reports::virtual_session::sessions::{Session, Teacher};
use crate::reports::virtual_year::VirtualYear;

/// The `filter_options` column.
#[derive(Debug, Serialize)]
pub(super) struct FilterOptions<'s> {
    school_years: Vec<String>,
    career_clusters: BTreeSet<&'s str>,
    /// Schools of registered teachers.
    schools: BTreeSet<&'s str>,
    /// Places of the sessions, and districts of registered teachers' schools.
    pub(super) districts: BTreeSet<&'s str>,
    statuses: BTreeSet<&'s str>,
}

impl<'s> FilterOptions<'s> {
    pub(super) fn new(sessions: &[Arc<Session<'s>>], offered: &[VirtualYear]) -> Self {
        let teachers = || {
            let registrations = sessions.iter().flat_map(|session| &session.registrations);
            registrations.filter_map(|registration| registration.teacher.as_ref())
        };
        let non_empty = |name: &&str| !name.is_empty();
        let places = sessions.iter().filter_map(|session| session.place.shown());
        Self {
            school_years: offered.iter().map(ToString::to_string).collect(),
            career_clusters: sessions.iter().map(|session| session.topic()).filter(non_empty).collect(),
            schools: teachers().filter_map(Teacher::school_name).collect(),
            districts: places.chain(teachers().filter_map(|teacher| teacher.school_district)).collect(),
            statuses: sessions.iter().map(|session| session.status).filter(non_empty).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::reports::virtual_session::fixture::{classroom_day, report};
    use serde_json::json;

    #[test]
    fn the_options_hold_what_the_rows_hold_and_the_places_behind_them() {
        let snapshot = classroom_day();
        let [.., options] = report(&snapshot);
        assert_eq!(options["school_years"][0], "2027-2028");
        assert_eq!(options["career_clusters"], json!(["Tech"]));
        assert_eq!(options["schools"], json!(["Lone High", "Ruskin High"]));
        assert_eq!(options["districts"], json!(["Grandview", "Partner", "Ten"]));
        assert_eq!(options["statuses"], json!(["Completed", "Draft"]));
    }
}
