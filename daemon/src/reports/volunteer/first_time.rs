//! First-time volunteers (`first_time_volunteer_report_cache`): people who volunteered for the first time in
//! a school year.
//!
//! Mirrors VMS's page `/reports/first-time-volunteer`, which shows a stored row whatever its age. There is
//! one row for the previous and the current school year and for every year that already has one.
//!
//! # The rows of a year, and their totals
//!
//! A person is listed whose first engagement lies in the year, excluded from reports or not, unless they have
//! participations and none of them was attended. Counts and hours cover a lifetime, over all attended
//! participations, whatever their date and the status of the event; only `events` is limited to the year.
//! Newest first, then by id, then by organization.
//!
//! The totals are sums over rows, so a person with two organizations counts twice. Hours are added unrounded;
//! the total is the integer 0 when there is no row, and a float otherwise.
//!
//! # The events of a person
//!
//! Attended participations in completed events within the year, by start, event and id. VMS's database layer
//! drops duplicate rows, so two participations in one event with the same status and hours are one. Hours are
//! rounded to two digits; missing and zero hours are the integer 0.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use crate::reports::dialect::{Hours, round};
use crate::reports::volunteer::{Attendance, FullName, Participated, Person, SOURCES, people};
use crate::reports::year::{SchoolYear, Window, Year};
use crate::reports::{Built, Context, Entry, Group, Yearly};
use crate::snapshot::{Participation, Source};
use crate::vms::enums::event_type_value;
use crate::vms::tables::{Key, Table};

/// The report of first-time volunteers.
#[derive(Debug)]
pub struct FirstTime;

impl Yearly for FirstTime {
    type Year = SchoolYear;

    const TABLE: Table = Table::FirstTimeVolunteerReportCache;
    const RULES_VERSION: u32 = 1;
    const SOURCES: &'static [Source] = SOURCES;

    fn keys(&self, _: Context<'_>) -> impl FnMut(SchoolYear) -> Vec<Key> {
        |year| vec![Key(vec![year.key().into()])]
    }

    fn groups<'s>(&self, cx: Context<'s>) -> impl Fn(SchoolYear) -> Built<'s> + 's {
        let people = people(cx.snapshot);
        move |year| {
            let entry = Entry::of_one(Key(vec![year.key().into()]), report(&people, &year.window()));
            Group::new(year.key(), vec![entry]).alone()
        }
    }
}

/// Shown for a missing job title.
const NO_TITLE: &str = "No title listed";
/// Base address of people and accounts in Salesforce.
const SALESFORCE: &str = "https://prep-kc.lightning.force.com/lightning/r";

/// The payload of the report.
#[derive(Debug, Serialize)]
struct YearReport<'s> {
    volunteers: Vec<Row<'s>>,
    total_first_time_volunteers: usize,
    total_events_by_first_timers: usize,
    total_hours_by_first_timers: Hours,
}

#[derive(Debug, Serialize)]
struct Row<'s> {
    id: i64,
    name: FullName<'s>,
    #[serde(serialize_with = "long_date")]
    first_volunteer_date: NaiveDate,
    total_events: usize,
    #[serde(serialize_with = "two_digits")]
    total_hours: f64,
    organization: &'s str,
    title: &'s str,
    events: Arc<[Event<'s>]>,
    salesforce_contact_url: Option<String>,
    salesforce_account_url: Option<String>,
}

/// Returns the payload of the year with this window.
fn report<'s>(people: &[Person<'s>], window: &Window) -> YearReport<'s> {
    let mut volunteers: Vec<Row<'s>> = people
        .iter()
        .filter_map(|person| Some((person, person.began_in(window)?)))
        .flat_map(|(person, began)| rows(person, began, window))
        .collect();
    // Stable: people come by id, and their organizations by name.
    volunteers.sort_by_key(|row| Reverse(row.first_volunteer_date));
    let hours = volunteers.iter().fold(0.0, |sum, row| sum + row.total_hours);
    YearReport {
        total_first_time_volunteers: volunteers.len(),
        total_events_by_first_timers: volunteers.iter().map(|row| row.total_events).sum(),
        total_hours_by_first_timers: if volunteers.is_empty() {
            Hours::default()
        } else {
            Hours::float(round(hours, 1))
        },
        volunteers,
    }
}

fn rows<'s>(person: &Person<'s>, first_volunteer_date: NaiveDate, window: &Window) -> Vec<Row<'s>> {
    let attended: Vec<Participated<'s>> =
        person.participations.iter().filter(|one| one.row.is_attended()).copied().collect();
    // VMS's outer join keeps people without any participation; its filter on the status drops those with only
    // unattended ones.
    if attended.is_empty() && !person.participations.is_empty() {
        return vec![];
    }
    let events = events(person, window);
    let url = |object: &str, id: Option<&str>| {
        id.filter(|id| !id.is_empty()).map(|id| format!("{SALESFORCE}/{object}/{id}/view"))
    };
    person
        .affiliations
        .iter()
        .map(|affiliation| Row {
            id: person.id(),
            name: person.name(),
            first_volunteer_date,
            total_events: attended.len() * affiliation.links,
            total_hours: affiliation.sum_hours(attended.iter().map(|one| one.row.hours)),
            organization: affiliation.shown(),
            title: person.volunteer.title.as_deref().filter(|title| !title.is_empty()).unwrap_or(NO_TITLE),
            events: Arc::clone(&events),
            salesforce_contact_url: url("Contact", person.contact.salesforce_individual_id.as_deref()),
            salesforce_account_url: url("Account", person.contact.salesforce_account_id.as_deref()),
        })
        .collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn long_date<S: serde::Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&date.format("%B %d, %Y"))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn two_digits<S: serde::Serializer>(hours: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(round(*hours, 2))
}

/// Shown for a missing event type.
const UNKNOWN_TYPE: &str = "Unknown";
/// Shown for a missing district.
const NO_DISTRICT: &str = "N/A";

/// An entry of a person's list.
#[derive(Debug, Serialize)]
struct Event<'s> {
    title: Option<&'s str>,
    #[serde(serialize_with = "short_date")]
    date: NaiveDate,
    #[serde(rename = "type")]
    kind: String,
    hours: Hours,
    district: &'s str,
}

/// Returns the list of one person.
fn events<'s>(person: &Person<'s>, window: &Window) -> Arc<[Event<'s>]> {
    let mut attended = person.attended(window, &Participation::ATTENDED);
    attended.sort_unstable_by_key(Attendance::order);
    let mut seen = HashSet::new();
    attended
        .into_iter()
        .filter(|one| seen.insert((one.event.id, one.row.hours.map(f64::to_bits), one.row.status.as_deref())))
        .map(|attendance| {
            let mut hours = Hours::default();
            hours.add(attendance.row.hours);
            let event = attendance.event;
            Event {
                title: event.title.as_deref(),
                date: attendance.start.at.date(),
                kind: event.kind.as_deref().map_or_else(|| UNKNOWN_TYPE.to_owned(), event_type_value),
                hours: hours.rounded(2),
                district: event.district_partner.as_deref().filter(|d| !d.is_empty()).unwrap_or(NO_DISTRICT),
            }
        })
        .collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn short_date<S: serde::Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&date.format("%b %d, %Y"))
}
