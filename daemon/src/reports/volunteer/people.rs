//! Volunteers with their participations and organizations, indexed once for all windows.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::reports::number::Hours;
use crate::reports::year::Window;
use crate::snapshot::{Contact, Event, Groups, Participation, Snapshot, Volunteer};
use crate::vms::enums::COMPLETED;
use crate::vms::time::{self, Stored};

/// Shown for a person without an organization, or with one that has no name.
const INDEPENDENT: &str = "Independent";

/// Length of the date that a stored instant begins with.
const DATE: usize = "YYYY-MM-DD".len();

/// A volunteer, with all data that a row about them is built from.
#[derive(Debug)]
pub(super) struct Person<'s> {
    pub(super) contact: &'s Contact,
    pub(super) volunteer: &'s Volunteer,
    /// Never empty; ordered by name, with a missing name first.
    pub(super) affiliations: Vec<Affiliation<'s>>,
    /// All participations, in the order in which [sums of hours](Affiliation::sum_hours) are made.
    pub(super) participations: Vec<Participated<'s>>,
}

/// The links of a person to organizations of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Affiliation<'s> {
    name: Option<&'s str>,
    /// Number of links; also one for a person without any link, as in an outer join.
    pub(super) links: usize,
}

/// A participation and its event, if the event still exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Participated<'s> {
    pub(super) row: &'s Participation,
    event: Option<&'s Event>,
}

/// A participation in a completed event within a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attendance<'s> {
    pub(super) row: &'s Participation,
    pub(super) event: &'s Event,
    pub(super) start: &'s Stored,
}

/// Returns all volunteers, by id.
pub(super) fn people(snapshot: &Snapshot) -> Vec<Person<'_>> {
    let contacts: HashMap<i64, &Contact> = snapshot.contacts.iter().map(|row| (row.id, row)).collect();
    let events: HashMap<i64, &Event> = snapshot.events.iter().map(|row| (row.id, row)).collect();
    let organizations: HashMap<i64, Option<&str>> =
        snapshot.organizations.iter().map(|row| (row.id, row.name.as_deref())).collect();
    let links = Groups::by(&snapshot.volunteer_organizations, |row| Some(row.volunteer));
    let participations = Groups::by(&snapshot.participations, |row| Some(row.volunteer));
    snapshot
        .volunteers
        .iter()
        .filter_map(|volunteer| {
            let id = volunteer.id;
            let names = links
                .rows(&snapshot.volunteer_organizations, &id)
                .map(|link| organizations.get(&link.organization).copied().flatten());
            let mut participations: Vec<_> = participations
                .rows(&snapshot.participations, &id)
                .map(|row| Participated { row, event: events.get(&row.event).copied() })
                .collect();
            participations.sort_by(|a, b| as_summed(a.row, b.row));
            Some(Person {
                contact: contacts.get(&id)?,
                volunteer,
                affiliations: affiliations(names.collect()),
                participations,
            })
        })
        .collect()
}

/// Compares two participations in the order in which SQLite sums them: VMS's table has no index on the
/// volunteer, so SQLite builds one for the query, over the volunteer and then the columns that the query
/// names, in the table's order, and reads a person's rows in that order.
fn as_summed(a: &Participation, b: &Participation) -> Ordering {
    let hours = |row: &Participation| Hours::float(row.hours.unwrap_or(f64::NEG_INFINITY));
    (a.event, &a.status)
        .cmp(&(b.event, &b.status))
        .then_with(|| hours(a).compare(hours(b)))
        .then(a.id.cmp(&b.id))
}

fn affiliations(mut names: Vec<Option<&str>>) -> Vec<Affiliation<'_>> {
    if names.is_empty() {
        names.push(None);
    }
    names.sort_unstable();
    names
        .chunk_by(|a, b| a == b)
        .map(|same| Affiliation { name: same.first().copied().flatten(), links: same.len() })
        .collect()
}

impl<'s> Person<'s> {
    pub(super) fn id(&self) -> i64 {
        self.volunteer.id
    }

    pub(super) fn name(&self) -> FullName<'s> {
        let text = |part: &'s Option<_>| part.as_deref().unwrap_or_default();
        FullName { first: text(&self.contact.first_name), last: text(&self.contact.last_name) }
    }

    /// Returns whether reports may show the person; SQL's `= false` is not true of NULL.
    pub(super) fn is_reportable(&self) -> bool {
        self.contact.exclude_from_reports == Some(false)
    }

    /// Returns the date of the first engagement, if it is one of the window's days, of which the first and
    /// the last count whole. VMS itself compares the date with the text of the window's first instant,
    /// including its time, which leaves out people who began on that very day.
    pub(super) fn began_in(&self, window: &Window) -> Option<NaiveDate> {
        let text = self.volunteer.first_date.as_deref()?;
        let (first, last) = (window.from().get(..DATE)?, window.to().get(..DATE)?);
        let is_within = first <= text && text <= last;
        is_within.then(|| time::parse(text).map(|at| at.date())).flatten()
    }

    /// Returns participations with one of `states` in completed events within `window`, by start and event,
    /// and for one event in the order of [all](Self::participations): VMS reads them through an index on the
    /// start.
    pub(super) fn attended(&self, window: &Window, states: &[&str]) -> Vec<Attendance<'s>> {
        let mut attended: Vec<_> = self
            .participations
            .iter()
            .filter(|participated| participated.is_one_of(states))
            .filter_map(|&Participated { row, event }| {
                let event = event.filter(|event| event.status.as_deref() == Some(COMPLETED))?;
                let start = event.start.as_ref().filter(|start| window.contains_text(&start.text))?;
                Some(Attendance { row, event, start })
            })
            .collect();
        attended.sort_by_key(|one| (one.start.text.as_ref(), one.event.id));
        attended
    }
}

impl Participated<'_> {
    /// Returns whether the participation's status is one of `states`.
    pub(super) fn is_one_of(&self, states: &[&str]) -> bool {
        self.row.status.as_deref().is_some_and(|status| states.contains(&status))
    }
}

impl<'s> Affiliation<'s> {
    /// Returns the organization as reports show it.
    pub(super) fn shown(&self) -> &'s str {
        self.name.filter(|name| !name.is_empty()).unwrap_or(INDEPENDENT)
    }

    /// Returns the sum of `hours` over the joined rows, added one by one in the order in which SQLite reads
    /// them: at the edge of rounding, another order gives another figure on the page.
    pub(super) fn sum_hours(&self, hours: impl Iterator<Item = Option<f64>>) -> f64 {
        hours.flatten().flat_map(|hours| std::iter::repeat_n(hours, self.links)).fold(0.0, |sum, h| sum + h)
    }
}

impl<'s> Attendance<'s> {
    /// Returns the sort key: start, then the ids, which settle what VMS leaves undefined.
    pub(super) fn order(&self) -> (&'s str, i64, i64) {
        (&self.start.text, self.event.id, self.row.id)
    }
}

/// First and last name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FullName<'s> {
    first: &'s str,
    last: &'s str,
}

impl fmt::Display for FullName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.first, self.last)
    }
}

impl FullName<'_> {
    /// Returns the text by which VMS sorts names.
    pub(super) fn lowercase(self) -> String {
        self.to_string().to_lowercase()
    }
}

impl Serialize for FullName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
