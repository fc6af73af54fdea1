//! `virtual_session_district_cache`: one entry per district name and virtual year.
//!
//! Mirrors VMS's `compute_virtual_session_district_data`, which serves `/virtual/usage/district/<name>`. A
//! registration is the district's when its teacher exists and the teacher's district matches the entry's
//! name. A session without any such registration is left out altogether, so a session without registrations
//! is in no entry. Two names of one district therefore hold the same sessions. An entry also exists for
//! `Unknown District` where the year's report shows it; it is always empty.
//!
//! The entries of a year are computed on demand, in groups of a bounded size. The order in which sessions are
//! listed is set here: by the text of the printed date `MM/DD/YY`, descending, after attendance has been
//! counted in the original order, latest first.

mod figures;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::reports::district::DistrictMapping;
use crate::reports::virtual_session::index::Index;
use crate::reports::virtual_session::sessions::{Session, sessions};
use crate::reports::virtual_session::{key, year_of};
use crate::reports::year::{VirtualYear, Year};
use crate::reports::{Built, Context, Entry, Group, Payload, Yearly};
use crate::snapshot::Source;
use crate::vms::tables::{Key, Table, spec};

use figures::{Attendance, SummaryStats, school_breakdown};
use sessions::{Included, Matching, MonthlyStats, SessionData};

/// The reports of VMS's pages `/virtual/usage/district/<name>`.
#[derive(Debug)]
pub struct VirtualDistricts;

const TABLE: Table = Table::VirtualSessionDistrictCache;

/// Length of the name's column in characters; longer names have no entry.
const LONGEST_NAME: usize = 255;

impl Yearly for VirtualDistricts {
    type Year = VirtualYear;

    const TABLE: Table = TABLE;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = &[
        Source::Event,
        Source::EventDistricts,
        Source::EventTeacher,
        Source::EventVolunteers,
        Source::District,
        Source::School,
        Source::Teacher,
        Source::Contact,
        Source::Volunteer,
        Source::VolunteerOrganization,
        Source::Organization,
    ];
    const KEY_SOURCES: &'static [Source] = &[
        Source::Event,
        Source::EventDistricts,
        Source::EventTeacher,
        Source::District,
        Source::School,
        Source::Teacher,
    ];

    fn year_of(&self, key: &Key) -> Option<VirtualYear> {
        year_of(Self::TABLE, key)
    }

    fn keys(&self, cx: Context<'_>) -> impl FnMut(VirtualYear) -> Vec<Key> {
        let index = Index::new(cx.snapshot);
        move |year| names(&index, year).iter().map(|name| key(year, Some(name))).collect()
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(VirtualYear) -> Built<'s> + 's {
        let index = Arc::new(Index::new(cx.snapshot));
        move |year| Box::new(Parts::new(&index, year, names(&index, year), &cx.settings.districts))
    }
}

/// Returns the names that have an entry for a year, sorted: names that the year's report shows, and names
/// that already have a row. `Unknown District` is among them when the report shows it; its entry is always
/// empty.
fn names(index: &Index<'_>, year: VirtualYear) -> BTreeSet<Arc<str>> {
    let column = spec(TABLE).key.iter().position(|&column| column == "district_name");
    let owned = index
        .snapshot
        .owned(TABLE)
        .filter(|key| year_of(TABLE, key) == Some(year))
        .filter_map(|key| key.text(column?));
    let shown = index.district_names(year).into_iter();
    shown
        .filter(|name| name.chars().count() <= LONGEST_NAME)
        .chain(owned)
        .filter(|name| !name.is_empty())
        .map(Arc::from)
        .collect()
}

/// Approximate size of a group: a larger write transaction would block VMS's workers for too long.
const GROUP_BYTES: usize = 4_000_000;

/// Iterator over the groups of a year.
struct Parts<'s> {
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
    fn new(
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
        let name = format!("{} part {}", self.year.key(), self.count);
        (!entries.is_empty()).then(|| Group::new(name, entries))
    }
}
