//! The volunteers who may be asked, prepared once for all events.
//!
//! A volunteer may be asked unless inactive, excluded from reports, not to be contacted or opted out of mail.
//! VMS compares those three flags with *false*, so a person for whom one of them is unknown (NULL) is not
//! asked either. VMS ignores a volunteer without a contact of the same id.
//!
//! Many people share titles, industries and skills, so every distinct text is kept once and searched once per
//! event, whatever the number of people.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use chrono::NaiveDate;
use twox_hash::XxHash3_128;

use crate::reports::recruitment::keywords::{Placeholder, Scoring, Template};
use crate::reports::recruitment::{Directory, full_name};
use crate::snapshot::{Contact, Groups, Snapshot, Volunteer, find};
use crate::vms::time;

/// Distinct texts, each identified by its position.
#[derive(Debug, Default)]
pub(super) struct Texts {
    positions: HashMap<Arc<str>, usize>,
    texts: Vec<Arc<str>>,
}

impl Texts {
    fn intern(&mut self, text: &str) -> usize {
        if let Some(&position) = self.positions.get(text) {
            return position;
        }
        let (position, text) = (self.texts.len(), Arc::<str>::from(text));
        self.texts.push(Arc::clone(&text));
        self.positions.insert(text, position);
        position
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn get(&self, position: usize) -> &str {
        self.texts.get(position).map_or("", AsRef::as_ref)
    }

    pub(super) fn position(&self, text: &str) -> Option<usize> {
        self.positions.get(text).copied()
    }
}

/// A volunteer who may be asked. Texts are positions in the pool.
#[derive(Debug)]
pub(super) struct Person<'s> {
    pub(super) volunteer: &'s Volunteer,
    pub(super) name: String,
    pub(super) email: Option<&'s str>,
    pub(super) organization: Option<&'s str>,
    /// The first few skills by code point, as stored.
    pub(super) shown_skills: Box<[&'s str]>,
    /// Fields that keywords select by: title, department, industry and skills, as stored.
    pub(super) fields: Vec<usize>,
    /// Title, department and industry in lower case, joined by blanks.
    pub(super) hay: usize,
    /// Skills in lower case, each once, by code point.
    pub(super) skills: Vec<usize>,
    /// Number of participations in events that exist, by type of the event.
    by_type: Vec<(Option<&'s str>, u64)>,
    /// Points that are the same for every event: for recent activity, for living nearby, and for all participations.
    pub(super) standing: Box<[Points]>,
}

impl Person<'_> {
    /// Returns the number of participations in events of a type; a missing type is treated as a type of its
    /// own.
    pub(super) fn events_of(&self, kind: Option<&str>) -> u64 {
        self.by_type.iter().find(|(of, _)| *of == kind).map_or(0, |(_, count)| *count)
    }
}

/// Points for one reason, with the texts that explain them. Many people share the texts, so each is made once.
#[derive(Debug, Clone)]
pub(super) struct Points {
    pub(super) value: f64,
    pub(super) reason: Arc<str>,
    /// Its line of the breakdown.
    pub(super) line: Arc<str>,
}

impl Points {
    pub(super) fn new(
        value: f64,
        reason: &Template,
        line: &Template,
        values: &[(Placeholder, &dyn Display)],
    ) -> Self {
        let boost = format!("{value:.2}");
        let values: Vec<(Placeholder, &dyn Display)> =
            values.iter().copied().chain([(Placeholder::Boost, &boost as &dyn Display)]).collect();
        Self { value, reason: reason.fill(&values).into(), line: line.fill(&values).into() }
    }
}

/// The points of people that are the same for every event.
struct Standings<'s> {
    rules: &'s Scoring,
    /// By points, as bits.
    recency: HashMap<u64, Points>,
    /// By points, as bits.
    locality: HashMap<u64, Points>,
    /// By number of participations.
    frequency: HashMap<u64, Points>,
}

impl<'s> Standings<'s> {
    fn of(rules: &'s Scoring) -> Self {
        Self { rules, recency: HashMap::new(), locality: HashMap::new(), frequency: HashMap::new() }
    }

    fn get(&mut self, recency: f64, locality: f64, events: u64) -> Box<[Points]> {
        let text = &self.rules.text;
        let recent = (recency > 0.0).then(|| {
            self.recency
                .entry(recency.to_bits())
                .or_insert_with(|| Points::new(recency, &text.recency_reason, &text.recency_line, &[]))
        });
        let nearby = (locality > 0.0).then(|| {
            self.locality
                .entry(locality.to_bits())
                .or_insert_with(|| Points::new(locality, &text.locality_reason, &text.locality_line, &[]))
        });
        let step = self.rules.frequency.iter().find(|step| step.min_events <= events);
        let frequent = step.map(|step| {
            self.frequency.entry(events).or_insert_with(|| {
                Points::new(step.boost, &step.reason, &text.frequency_line, &[(Placeholder::N, &events)])
            })
        });
        [recent, nearby, frequent].into_iter().flatten().map(|points| points.clone()).collect()
    }
}

/// All volunteers who may be asked, by id.
#[derive(Debug, Default)]
pub(super) struct Pool<'s> {
    pub(super) people: Vec<Person<'s>>,
    pub(super) fields: Texts,
    pub(super) hays: Texts,
    pub(super) skills: Texts,
}

impl<'s> Pool<'s> {
    /// Builds the pool as of `today`, a date in UTC.
    pub(super) fn of(snapshot: &'s Snapshot, rules: &'s Scoring, today: NaiveDate) -> Self {
        let mut pool = Self::default();
        let eligible: Vec<(&Volunteer, &Contact)> =
            snapshot.volunteers.iter().filter_map(|volunteer| eligible(snapshot, volunteer)).collect();
        let positions: HashMap<i64, usize> = (0..).zip(&eligible).map(|(n, (v, _))| (v.id, n)).collect();
        let directory = Directory::of(snapshot, |person| positions.contains_key(&person));
        let has_skills = Groups::by(&snapshot.volunteer_skills, |row| Some(row.volunteer));
        let skills: HashMap<i64, &str> = snapshot
            .skills
            .iter()
            .filter_map(|skill| Some((skill.id, skill.name.as_deref().filter(|name| !name.is_empty())?)))
            .collect();

        for (volunteer, contact) in eligible {
            let rows = has_skills.rows(&snapshot.volunteer_skills, &volunteer.id);
            let mut names: Vec<&str> = rows.filter_map(|row| skills.get(&row.skill).copied()).collect();
            names.sort_unstable();
            let person = pool.person(volunteer, contact, &names, rules);
            let organization = organization(volunteer, &directory);
            let email = directory.primary_email(volunteer.id);
            pool.people.push(Person { email, organization, ..person });
        }
        let participations = pool.count(snapshot, &positions);
        let mut standings = Standings::of(rules);
        for (person, events) in pool.people.iter_mut().zip(participations) {
            let locality =
                person.volunteer.local_status.as_deref().and_then(|status| rules.locality.get(status));
            let recency = recency(person.volunteer, rules, today);
            person.standing = standings.get(recency, locality.copied().unwrap_or_default(), events);
        }
        pool
    }

    fn person(
        &mut self,
        volunteer: &'s Volunteer,
        contact: &Contact,
        skills: &[&'s str],
        rules: &Scoring,
    ) -> Person<'s> {
        let parts = [&volunteer.title, &volunteer.department, &volunteer.industry];
        let texts = parts.into_iter().filter_map(|part| part.as_deref());
        let fields = texts.chain(skills.iter().copied()).map(|text| self.fields.intern(text)).collect();
        let hay = parts.map(|part| part.as_deref().unwrap_or("").to_lowercase()).join(" ");
        let mut lower: Vec<String> = skills.iter().map(|name| name.to_lowercase()).collect();
        lower.sort_unstable();
        lower.dedup();
        Person {
            volunteer,
            name: full_name(contact),
            email: None,
            organization: None,
            shown_skills: skills.iter().copied().take(rules.max_skills_in_payload).collect(),
            fields,
            hay: self.hays.intern(&hay),
            skills: lower.iter().map(|name| self.skills.intern(name)).collect(),
            by_type: Vec::new(),
            standing: Box::default(),
        }
    }

    /// Counts participations, whatever their status; only the count by type requires that the event exists. Returns
    /// each person's number of all participations.
    fn count(&mut self, snapshot: &'s Snapshot, positions: &HashMap<i64, usize>) -> Vec<u64> {
        let mut participations = vec![0; self.people.len()];
        let kinds: HashMap<i64, Option<&str>> =
            snapshot.events.iter().map(|event| (event.id, event.kind.as_deref())).collect();
        for row in &snapshot.participations {
            let Some(&position) = positions.get(&row.volunteer) else { continue };
            let found = self.people.get_mut(position).zip(participations.get_mut(position));
            let Some((person, participations)) = found else { continue };
            *participations += 1;
            let Some(&kind) = kinds.get(&row.event) else { continue };
            match person.by_type.iter_mut().find(|(of, _)| *of == kind) {
                Some((_, count)) => *count += 1,
                None => person.by_type.push((kind, 1)),
            }
        }
        participations
    }
}

fn eligible<'s>(snapshot: &'s Snapshot, volunteer: &'s Volunteer) -> Option<(&'s Volunteer, &'s Contact)> {
    let contact = find(&snapshot.contacts, volunteer.id, |contact| contact.id)?;
    let marks = [contact.do_not_contact, contact.email_opt_out, contact.exclude_from_reports];
    let willing = marks.iter().all(|&mark| mark == Some(false));
    (willing && volunteer.status.as_deref() != Some("INACTIVE")).then_some((volunteer, contact))
}

/// Returns the organization's name as typed in, or else that of the first organization; a link to an
/// organization that does not exist gives none.
fn organization<'s>(volunteer: &'s Volunteer, directory: &Directory<'s>) -> Option<&'s str> {
    let typed = volunteer.organization_name.as_deref();
    if typed.is_some_and(|name| !name.is_empty()) || !directory.has_link(volunteer.id) {
        return typed;
    }
    directory.first_employer(volunteer.id).and_then(|organization| organization.name.as_deref())
}

/// Returns what the pool depends on besides the source and the rules: a digest of everyone's points for recent activity,
/// which the passing of days lowers.
pub(super) fn clock(snapshot: &Snapshot, rules: &Scoring, today: NaiveDate) -> String {
    let mut hasher = XxHash3_128::new();
    for volunteer in &snapshot.volunteers {
        hasher.write(&volunteer.id.to_le_bytes());
        hasher.write(&recency(volunteer, rules, today).to_le_bytes());
    }
    format!("{:032x}", hasher.finish_128())
}

/// Returns the points for recent activity. Days are counted from date to date; a date in the future counts as
/// recent.
fn recency(volunteer: &Volunteer, rules: &Scoring, today: NaiveDate) -> f64 {
    let Some(last) = volunteer.last_date.as_deref().and_then(time::parse) else { return 0.0 };
    let days = (today - last.date()).num_days();
    rules.recency.iter().find(|step| days <= step.max_days).map_or(0.0, |step| step.boost)
}
