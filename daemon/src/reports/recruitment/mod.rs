//! Recruitment: volunteers to ask for an event, and DIA events that still need volunteers.
//!
//! Two tables: [`Candidates`] ranks volunteers for single events, [`Dia`] lists all upcoming DIA events. Both
//! take their data from one keyword file ([`Keywords`]).

mod candidates;
mod dia;
mod keywords;

pub use candidates::Candidates;
pub use dia::Dia;
pub use keywords::{Keywords, KeywordsError};

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::reports::dialect::strip;
use crate::snapshot::{Contact, Email, Event, Organization, Snapshot, VolunteerOrganization};

/// Returns first and last name, without surrounding whitespace.
fn full_name(contact: &Contact) -> String {
    let [first, last] = [&contact.first_name, &contact.last_name].map(|name| name.as_deref().unwrap_or(""));
    strip(&format!("{first} {last}")).to_owned()
}

/// Returns when the next of `events` begins, after an instant.
fn next_start<'e>(events: impl Iterator<Item = &'e Event>, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    events.filter_map(|event| Some(event.start.as_ref()?.at.and_utc())).filter(|&start| start > after).min()
}

/// First addresses and links of a person.
#[derive(Debug)]
struct Firsts<'s, T> {
    any: &'s T,
    primary: Option<&'s T>,
}

/// Mail addresses, and links to organizations, of the requested people.
#[derive(Debug)]
struct Directory<'s> {
    emails: HashMap<i64, Firsts<'s, Email>>,
    links: HashMap<i64, Firsts<'s, VolunteerOrganization>>,
    organizations: HashMap<i64, &'s Organization>,
}

impl<'s> Directory<'s> {
    /// Builds the directory of the people that `wanted` accepts.
    fn of(snapshot: &'s Snapshot, wanted: impl Fn(i64) -> bool) -> Self {
        let emails = snapshot.emails.iter().filter(|email| wanted(email.contact));
        let links = snapshot.volunteer_organizations.iter().filter(|link| wanted(link.volunteer));
        Self {
            emails: firsts(emails.map(|email| (email.contact, email.primary, email))),
            links: firsts(links.map(|link| (link.volunteer, link.primary, link))),
            organizations: snapshot.organizations.iter().map(|org| (org.id, org)).collect(),
        }
    }

    /// Returns the person's first primary address; `None` when that row has no address.
    fn primary_email(&self, person: i64) -> Option<&'s str> {
        self.emails.get(&person)?.primary?.address.as_deref()
    }

    /// Returns the person's first primary address; that of the first row when no row is primary.
    fn email(&self, person: i64) -> Option<&'s str> {
        let emails = self.emails.get(&person)?;
        emails.primary.unwrap_or(emails.any).address.as_deref()
    }

    /// Returns whether the person is linked to any organization, whether or not it exists.
    fn has_link(&self, person: i64) -> bool {
        self.links.contains_key(&person)
    }

    /// Returns the organization of the person's first link, primary or not.
    fn first_employer(&self, person: i64) -> Option<&'s Organization> {
        self.organization(self.links.get(&person)?.any)
    }

    /// Returns the organization of the person's first primary link; of the first one when no link is primary.
    fn main_employer(&self, person: i64) -> Option<&'s Organization> {
        let links = self.links.get(&person)?;
        self.organization(links.primary.unwrap_or(links.any))
    }

    fn organization(&self, link: &VolunteerOrganization) -> Option<&'s Organization> {
        self.organizations.get(&link.organization).copied()
    }
}

fn firsts<'s, T>(rows: impl Iterator<Item = (i64, Option<bool>, &'s T)>) -> HashMap<i64, Firsts<'s, T>> {
    let mut firsts: HashMap<i64, Firsts<'s, T>> = HashMap::new();
    for (person, primary, row) in rows {
        let first = firsts.entry(person).or_insert(Firsts { any: row, primary: None });
        if primary == Some(true) {
            first.primary.get_or_insert(row);
        }
    }
    firsts
}
