//! Computes the entries of a year on demand, in groups of a bounded size.
//!
//! The order in which sessions are listed is set here: by the text of the printed date `MM/DD/YY`,
//! descending, after attendance has been counted in the original order, latest first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::attendance::Attendance;
use super::included::{Included, SessionData};
use super::monthly::MonthlyStats;
use super::schools::school_breakdown;
use super::summary::SummaryStats;
use crate::reports::district::DistrictMapping;
use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::key;
use crate::reports::virtual_session::matching::Matching;
use crate::reports::virtual_session::sessions::{Session, sessions};
use crate::reports::virtual_year::VirtualYear;
use crate::reports::{Entry, Group, Payload};

/// Approximate size of a group: a larger write transaction would block VMS's workers for too long.
const GROUP_BYTES: usize = 4_000_000;

/// Iterator over the groups of a year.
pub(super) struct Parts<'s> {
    index: Arc<Index<'s>>,
    mapping: &'s DistrictMapping,
    year: VirtualYear,
    names: std::collections::btree_set::IntoIter<Arc<str>>,
    sessions: Vec<Arc<Session<'s>>>,
    /// Positions of sessions by normalized name of their teachers' districts.
    buckets: HashMap<String, BTreeSet<usize>>,
    /// An entry that was computed but did not fit into the previous group.
    held: Option<Weighed<'s>>,
    count: usize,
}

/// An entry and its approximate size in bytes.
struct Weighed<'s> {
    entry: Entry<'s>,
    bytes: usize,
}

impl<'s> Parts<'s> {
    pub(super) fn new(
        index: &Arc<Index<'s>>,
        year: VirtualYear,
        names: BTreeSet<Arc<str>>,
        mapping: &'s DistrictMapping,
    ) -> Self {
        let sessions = sessions(index, year);
        let mut buckets: HashMap<String, BTreeSet<usize>> = HashMap::new();
        for (position, session) in sessions.iter().enumerate() {
            let teachers = session.registrations.iter().filter_map(|it| it.teacher.as_ref());
            for district in teachers.filter_map(|teacher| teacher.matched.as_ref()) {
                buckets.entry(district.clone()).or_default().insert(position);
            }
        }
        let names = names.into_iter();
        Self { index: Arc::clone(index), mapping, year, names, sessions, buckets, held: None, count: 0 }
    }

    /// Returns the sessions of one district, latest first.
    fn included(&self, matching: &Matching) -> Vec<Included<'s>> {
        let buckets = matching.names().iter().filter_map(|name| self.buckets.get(name));
        let positions: BTreeSet<usize> = buckets.flatten().copied().collect();
        let sessions = positions.into_iter().filter_map(|position| self.sessions.get(position));
        sessions.map(|session| Included::new(session, matching)).collect()
    }

    fn entry(&self, name: &Arc<str>) -> Weighed<'s> {
        let matching = Matching::of(name, self.mapping);
        let mut included = self.included(&matching);
        let attendance = Attendance::of(&included);
        // Sorted by the text of the date, as in VMS: December comes before the January after it.
        included.sort_by(|one, other| other.session.date.cmp(&one.session.date));
        let included: Arc<[Included<'s>]> = included.into();
        let bytes = included.iter().map(Included::weight).sum();
        let schools = school_breakdown(&included, &matching, &self.index);
        let summary = SummaryStats::new(&included, &attendance, schools.len());
        let payload = vec![
            Payload::json(SessionData { district: Arc::clone(name), sessions: Arc::clone(&included) }),
            Payload::json(MonthlyStats(included)),
            Payload::json(schools),
            Payload::json(attendance.teachers),
            Payload::json(summary),
        ];
        Weighed { entry: Entry { key: key(self.year, Some(name)), payload }, bytes }
    }
}

impl<'s> Iterator for Parts<'s> {
    type Item = Group<'s>;

    fn next(&mut self) -> Option<Group<'s>> {
        let mut entries = Vec::new();
        let mut total = 0;
        loop {
            let held = self.held.take();
            let Some(next) = held.or_else(|| self.names.next().map(|name| self.entry(&name))) else {
                break;
            };
            if !entries.is_empty() && total + next.bytes > GROUP_BYTES {
                self.held = Some(next);
                break;
            }
            total += next.bytes;
            entries.push(next.entry);
        }
        self.count += 1;
        let name = format!("{} part {}", self.year, self.count);
        (!entries.is_empty()).then(|| Group { name, entries, retire: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::Report;
    use crate::reports::virtual_session::VirtualDistricts;
    use crate::reports::virtual_session::fixture::{classroom_day, district_link, settings};

    #[test]
    fn a_large_year_comes_in_several_groups_and_no_district_twice() {
        let mut snapshot = classroom_day();
        let long: Arc<str> = "x".repeat(GROUP_BYTES / 3).into();
        let attended = snapshot.events[2].clone();
        snapshot.events[2].registration_link = Some(Arc::clone(&long));
        // A second session of the same teachers in another district: a teacher without a school district.
        let mut other = attended;
        other.id = 6;
        other.registration_link = Some(long);
        snapshot.events.push(other);
        snapshot.event_districts.push(district_link(6, "2"));
        let links = snapshot.event_teachers.to_vec();
        for link in links {
            if link.event == 4 {
                snapshot.event_teachers.push(crate::snapshot::EventTeacher { event: 6, ..link });
            }
        }
        let settings = settings();
        let now = "2026-03-15T02:00:00Z".parse().unwrap();
        let names: Vec<Vec<String>> = VirtualDistricts
            .build(&snapshot, &settings, now)
            .map(|group| {
                let names = group.entries.iter().filter_map(|entry| entry.key.text(1));
                names.map(str::to_owned).collect()
            })
            .collect();
        // Grandview holds both sessions, each in two columns.
        assert_eq!(names, [vec!["Grandview"], vec!["Partner", "Ten"], vec!["Two", "Unknown District"]]);
    }
}
