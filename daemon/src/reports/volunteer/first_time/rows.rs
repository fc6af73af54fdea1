//! The rows of a year, and their totals.
//!
//! A person is listed whose first engagement lies in the year, excluded from reports or not, unless they have
//! participations and none of them was attended. Counts and hours cover a lifetime, over all attended
//! participations, whatever their date and the status of the event; only `events` is limited to the year.
//! Newest first, then by id, then by organization.
//!
//! The totals are sums over rows, so a person with two organizations counts twice. Hours are added unrounded;
//! the total is the integer 0 when there is no row, and a float otherwise.

use std::cmp::Reverse;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::super::ATTENDED;
use super::super::people::{FullName, Participated, Person};
use super::events::{Event, events};
use crate::reports::number::{Hours, round};
use crate::reports::year::Window;

/// Shown for a missing job title.
const NO_TITLE: &str = "No title listed";
/// Base address of people and accounts in Salesforce.
const SALESFORCE: &str = "https://prep-kc.lightning.force.com/lightning/r";

/// The payload of the report.
#[derive(Debug, Serialize)]
pub(super) struct YearReport<'s> {
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
pub(super) fn report<'s>(people: &[Person<'s>], window: &Window) -> YearReport<'s> {
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
        person.participations.iter().filter(|one| one.is_one_of(&ATTENDED)).copied().collect();
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
