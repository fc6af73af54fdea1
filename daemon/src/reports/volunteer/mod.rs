//! Volunteer reports: people who were active lately, and people who volunteered for the first time.
//!
//! Rules that both share, as VMS's queries have them:
//!
//! * A person is listed once per distinct name among the organizations they are linked to, and once as
//!   `Independent` when they have none; the dates of links are not used. Every row of a person has the
//!   person's full figures, and a person with several links to organizations of one name has them multiplied
//!   by the number of those links, because VMS joins before it counts.
//! * A participation counts by its status, compared case-sensitively, see `Participation::ATTENDED`.
//! * The first engagement is a date, and a window's bounds are instants. VMS leaves it to its database layer
//!   as which of the two they are compared: as instants in SQLite's text form, the window's first day would
//!   be outside. These reports compare dates: a person who began on the first or on the last day of a window
//!   is included, whatever the time of day of its bounds. Events are compared with the instants.
//!
//! Volunteers are indexed with their participations and organizations once, for all years and windows.

mod first_time;
mod recent;

pub use first_time::FirstTime;
pub use recent::Recent;

use std::cmp::Ordering;
use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::reports::dialect::Hours;
use crate::reports::year::Window;
use crate::snapshot::{Contact, Event, Groups, Participation, Snapshot, Source, Volunteer, find};
use crate::vms::enums::COMPLETED;
use crate::vms::time::{self, Stored};

/// [`Participation::ATTENDED`], and the status that VMS adds for recent activity: the class watched a recording.
const ATTENDED_OR_SIMULCAST: [&str; 4] = ["Attended", "Completed", "Successfully Completed", "Simulcast"];

/// Source tables that both reports read.
const SOURCES: &[Source] = &[
    Source::Contact,
    Source::Volunteer,
    Source::Organization,
    Source::VolunteerOrganization,
    Source::Event,
    Source::EventParticipation,
];

/// Shown for a person without an organization, or with one that has no name.
const INDEPENDENT: &str = "Independent";

/// Length of the date that a stored instant begins with.
const DATE: usize = "YYYY-MM-DD".len();

/// A volunteer, with all data that a row about them is built from.
#[derive(Debug)]
struct Person<'s> {
    contact: &'s Contact,
    volunteer: &'s Volunteer,
    /// Never empty; ordered by name, with a missing name first.
    affiliations: Vec<Affiliation<'s>>,
    /// All participations, in the order in which [sums of hours](Affiliation::sum_hours) are made.
    participations: Vec<Participated<'s>>,
}

/// The links of a person to organizations of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Affiliation<'s> {
    name: Option<&'s str>,
    /// Number of links; also one for a person without any link, as in an outer join.
    links: usize,
}

/// A participation and its event, if the event still exists.
#[derive(Debug, Clone, Copy)]
struct Participated<'s> {
    row: &'s Participation,
    event: Option<&'s Event>,
}

/// A participation in a completed event within a window.
#[derive(Debug, Clone, Copy)]
struct Attendance<'s> {
    row: &'s Participation,
    event: &'s Event,
    start: &'s Stored,
}

/// Returns all volunteers, by id.
fn people(snapshot: &Snapshot) -> Vec<Person<'_>> {
    let links = Groups::by(&snapshot.volunteer_organizations, |row| Some(row.volunteer));
    let participations = Groups::by(&snapshot.participations, |row| Some(row.volunteer));
    snapshot
        .volunteers
        .iter()
        .filter_map(|volunteer| {
            let id = volunteer.id;
            let names = links
                .rows(&snapshot.volunteer_organizations, &id)
                .map(|link| find(&snapshot.organizations, link.organization, |row| row.id)?.name.as_deref());
            let mut participations: Vec<_> = participations
                .rows(&snapshot.participations, &id)
                .map(|row| Participated { row, event: find(&snapshot.events, row.event, |event| event.id) })
                .collect();
            participations.sort_by(|a, b| as_summed(a.row, b.row));
            Some(Person {
                contact: find(&snapshot.contacts, id, |contact| contact.id)?,
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
    fn id(&self) -> i64 {
        self.volunteer.id
    }

    fn name(&self) -> FullName<'s> {
        let text = |part: &'s Option<_>| part.as_deref().unwrap_or_default();
        FullName { first: text(&self.contact.first_name), last: text(&self.contact.last_name) }
    }

    /// Returns whether reports may show the person; SQL's `= false` is not true of NULL.
    fn is_reportable(&self) -> bool {
        self.contact.exclude_from_reports == Some(false)
    }

    /// Returns the date of the first engagement, if it is one of the window's days, of which the first and
    /// the last count whole. VMS itself compares the date with the text of the window's first instant,
    /// including its time, which leaves out people who began on that very day.
    fn began_in(&self, window: &Window) -> Option<NaiveDate> {
        let text = self.volunteer.first_date.as_deref()?;
        let (first, last) = (window.from().get(..DATE)?, window.to().get(..DATE)?);
        let is_within = first <= text && text <= last;
        is_within.then(|| time::parse(text).map(|at| at.date())).flatten()
    }

    /// Returns participations with one of `states` in completed events within `window`, by start and event,
    /// and for one event in the order of [all](Self::participations): VMS reads them through an index on the
    /// start.
    fn attended(&self, window: &Window, states: &[&str]) -> Vec<Attendance<'s>> {
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
    fn is_one_of(&self, states: &[&str]) -> bool {
        self.row.status.as_deref().is_some_and(|status| states.contains(&status))
    }
}

impl<'s> Affiliation<'s> {
    /// Returns the organization as reports show it.
    fn shown(&self) -> &'s str {
        self.name.filter(|name| !name.is_empty()).unwrap_or(INDEPENDENT)
    }

    /// Returns the sum of `hours` over the joined rows, added one by one in the order in which SQLite reads
    /// them: at the edge of rounding, another order gives another figure on the page.
    fn sum_hours(&self, hours: impl Iterator<Item = Option<f64>>) -> f64 {
        hours.flatten().flat_map(|hours| std::iter::repeat_n(hours, self.links)).fold(0.0, |sum, h| sum + h)
    }
}

impl<'s> Attendance<'s> {
    /// Returns the sort key: start, then the ids, which settle what VMS leaves undefined.
    fn order(&self) -> (&'s str, i64, i64) {
        (&self.start.text, self.event.id, self.row.id)
    }
}

/// First and last name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FullName<'s> {
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
    fn lowercase(self) -> String {
        self.to_string().to_lowercase()
    }
}

impl Serialize for FullName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
