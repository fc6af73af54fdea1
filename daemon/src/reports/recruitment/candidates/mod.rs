//! `recruitment_candidates_cache`: the volunteers to ask for each event, best first.
//!
//! It mirrors `recruitment_candidates` of VMS's `routes/reports/recruitment.py` and its
//! `recruitment_scoring_service`. For each target event, keywords are derived from its fields and texts
//! (`keywords::derive`). A volunteer may be asked ([`pool`]) and becomes a candidate when any keyword
//! is like the title, the department, the industry or a skill ([`rating`]). The number of candidates is
//! limited as in VMS: the first ones by id are kept before they are ranked, so that a broad keyword can
//! displace better candidates. They are then rated and ordered by points; ties stay ordered by
//! id. Candidates without any points are kept.
//!
//! One event is one group. Rows whose event is no longer a target are removed last.
//!
//! # Events that have candidates stored
//!
//! VMS accepts any event, so rows exist for the events that its selector page offers, and for those whose
//! page was opened:
//!
//! * the next 50 events that begin now or later, and, unless the operator disables it, the last 50 that began
//!   before; the page filters by date only, and so does this report. Events that begin at the same instant
//!   are ordered by id, in both directions;
//! * events that have a row already, except those that began more than `keep_days` ago.
//!
//! Rows of other events, and of events that no longer exist, are retired: VMS's pages answer those with an
//! error or compute them again.
//!
//! Instants are compared as SQLite does, as text.

mod pool;
mod rating;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use crate::reports::recruitment::candidates::pool::{Person, Points, Pool};
use crate::reports::recruitment::candidates::rating::{Breakdown, Given, Reasons, Score, Selection};
use crate::reports::recruitment::keywords::Subject;
use crate::reports::recruitment::next_start;
use crate::reports::year::next_utc_midnight;
use crate::reports::{Builder, Context, Entry, Group, Report, ReportSettings, Section};
use crate::snapshot::{Event, Groups, Snapshot, Source};
use crate::vms::tables::{Key, Table};
use crate::vms::time;

/// Ranked volunteers: one entry per target event.
#[derive(Debug, Clone, Copy)]
pub struct Candidates;

const TABLE: Table = Table::RecruitmentCandidatesCache;

impl Report for Candidates {
    fn table(&self) -> Table {
        TABLE
    }

    fn rules_version(&self) -> u32 {
        1
    }

    fn sources(&self) -> &'static [Source] {
        &[
            Source::Event,
            Source::EventSkills,
            Source::EventParticipation,
            Source::Contact,
            Source::Volunteer,
            Source::Email,
            Source::VolunteerOrganization,
            Source::Organization,
            Source::Skill,
            Source::VolunteerSkills,
        ]
    }

    fn key_sources(&self) -> &'static [Source] {
        &[Source::Event]
    }

    fn own_settings(&self, settings: &ReportSettings) -> Vec<u8> {
        settings.keywords.canonical_text().into_bytes()
    }

    fn keys(&self, cx: Context<'_>) -> Vec<Key> {
        Targets::of(cx).events.into_iter().map(key).collect()
    }

    /// One section for each event, and a last one that removes the rows of other events.
    fn sections(&self, cx: Context<'_>) -> Vec<Section> {
        let Targets { events, retired } = Targets::of(cx);
        let clock = pool::clock(cx.snapshot, &cx.settings.keywords.scoring, cx.today());
        let event = |event| Section { keys: vec![key(event)], clock: clock.clone(), retired: Vec::new() };
        let removing = Section { keys: Vec::new(), clock: String::new(), retired };
        events.into_iter().map(event).chain([removing]).collect()
    }

    fn next_keys(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        // An event that begins at this very instant still counts as upcoming.
        let begun = TimeDelta::microseconds(1);
        next_start(cx.snapshot.events.iter(), cx.now - begun).map(|start| start + begun)
    }

    fn next_payloads(&self, cx: Context<'_>) -> Option<DateTime<Utc>> {
        next_utc_midnight(cx.now)
    }

    fn builder<'s>(&self, cx: Context<'s>) -> Builder<'s> {
        let events = Targets::of(cx).events;
        let pool = Arc::new(Pool::of(cx.snapshot, &cx.settings.keywords.scoring, cx.today()));
        let skills = EventSkills::of(cx.snapshot);
        Box::new(move |position| {
            let Some(event) = events.get(position) else { return Box::new(std::iter::empty()) };
            let ranking = ranking(&pool, cx.settings, event, &skills.names(cx.snapshot, event));
            Group::new(format!("event {}", event.id), vec![Entry::of_one(key(event), ranking)]).alone()
        })
    }
}

/// Number of events per list of VMS's selector page.
const LISTED: usize = 50;

/// The events that have a row, and the rows to remove.
#[derive(Debug)]
struct Targets<'s> {
    events: Vec<&'s Event>,
    retired: Vec<Key>,
}

fn key(event: &Event) -> Key {
    Key(vec![event.id.into()])
}

impl<'s> Targets<'s> {
    /// Returns the targets at `now`, upcoming events first.
    fn of(cx: Context<'s>) -> Self {
        let Context { snapshot, settings, now } = cx;
        let text = |at: DateTime<Utc>| time::to_text(at.naive_utc());
        let (now_text, oldest) = (
            text(now),
            now.checked_sub_signed(TimeDelta::days(settings.keep_days)).map_or_else(String::new, text),
        );
        let dated =
            snapshot.events.iter().filter_map(|event| Some((event.start.as_ref()?.text.as_ref(), event)));
        let (mut upcoming, mut recent): (Vec<_>, Vec<_>) =
            dated.partition(|(start, _): &(&str, &Event)| *start >= now_text.as_str());
        upcoming.sort_by_key(|&(start, event)| (start, event.id));
        recent.sort_by(|(start, event), (other, than)| other.cmp(start).then(event.id.cmp(&than.id)));
        upcoming.truncate(LISTED);
        recent.truncate(if settings.include_recent { LISTED } else { 0 });
        let mut events: Vec<&Event> = upcoming.into_iter().chain(recent).map(|(_, event)| event).collect();

        let existing = snapshot.existing(TABLE);
        let owned: BTreeSet<i64> = snapshot.owned(TABLE).filter_map(|key| key.int(0)).collect();
        let mut kept: BTreeSet<i64> = events.iter().map(|event| event.id).collect();
        let is_old = |event: &Event| event.start.as_ref().is_some_and(|start| *start.text < *oldest);
        let touched = snapshot.events.iter().filter(|event| owned.contains(&event.id) && !is_old(event));
        events.extend(touched.filter(|event| kept.insert(event.id)));

        let retired: BTreeSet<&Key> = existing
            .iter()
            .map(|row| &row.key)
            .filter(|key| !key.int(0).is_some_and(|event| kept.contains(&event)))
            .collect();
        Self { events, retired: retired.into_iter().cloned().collect() }
    }
}

/// The skills that events require.
struct EventSkills<'s> {
    by_event: Groups<i64>,
    names: HashMap<i64, &'s str>,
}

impl<'s> EventSkills<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        let names = snapshot.skills.iter().filter_map(|skill| Some((skill.id, skill.name.as_deref()?)));
        Self { by_event: Groups::by(&snapshot.event_skills, |row| Some(row.event)), names: names.collect() }
    }

    fn names(&self, snapshot: &Snapshot, event: &Event) -> Vec<&'s str> {
        let rows = self.by_event.rows(&snapshot.event_skills, &event.id);
        let mut ids: Vec<i64> = rows.map(|row| row.skill).collect();
        ids.sort_unstable();
        ids.iter().filter_map(|id| self.names.get(id).copied()).collect()
    }
}

/// The payload of an event's row: its candidates refer to the people of the pool, which all events share.
#[derive(Debug)]
struct Ranking<'s> {
    pool: Arc<Pool<'s>>,
    /// The points that scores refer to.
    points: Vec<Points>,
    /// Positions of people, and their scores; the best first.
    candidates: Vec<(usize, Score)>,
}

impl Serialize for Ranking<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let candidate = |(position, score): &(usize, Score)| {
            let person = self.pool.people.get(*position)?;
            Some(Candidate::of(
                person,
                score.points,
                Given { own: score.own, points: &self.points, standing: &person.standing },
            ))
        };
        serializer.collect_seq(self.candidates.iter().filter_map(candidate))
    }
}

/// A candidate as VMS stores one.
#[derive(Debug, Serialize)]
struct Candidate<'a> {
    id: i64,
    name: &'a str,
    email: Option<&'a str>,
    title: Option<&'a str>,
    organization: Option<&'a str>,
    skills: &'a [&'a str],
    score: f64,
    reasons: Reasons<'a>,
    breakdown: Breakdown<'a>,
    /// VMS no longer links volunteers to connectors: always null.
    connector_profile_url: Option<&'static str>,
    has_connector_profile: bool,
}

impl<'a> Candidate<'a> {
    fn of(person: &'a Person<'_>, score: f64, given: Given<'a>) -> Self {
        Self {
            id: person.volunteer.id,
            name: &person.name,
            email: person.email,
            title: person.volunteer.title.as_deref(),
            organization: person.organization,
            skills: &person.shown_skills,
            score,
            reasons: Reasons(given),
            breakdown: Breakdown(given),
            connector_profile_url: None,
            has_connector_profile: false,
        }
    }
}

fn ranking<'s>(
    pool: &Arc<Pool<'s>>,
    settings: &ReportSettings,
    event: &Event,
    skills: &[&str],
) -> Ranking<'s> {
    let rules = &settings.keywords;
    let keywords = rules.derive(Subject { event, skills });
    let kind = event.kind.as_deref();
    let mut selection = Selection::new(pool, &keywords, &rules.scoring, (kind, rules.type_label(kind)));
    let mut candidates = Vec::new();
    for (position, person) in pool.people.iter().enumerate() {
        if candidates.len() == rules.scoring.candidate_limit {
            break;
        }
        if selection.includes(person) {
            candidates.push((position, selection.score(person)));
        }
    }
    candidates.sort_by(|(_, a), (_, b)| b.points.total_cmp(&a.points));
    Ranking { points: selection.into_points(), pool: Arc::clone(pool), candidates }
}
