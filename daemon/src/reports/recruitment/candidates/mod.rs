//! `recruitment_candidates_cache`: the volunteers to ask for each event, best first.
//!
//! It mirrors `recruitment_candidates` of VMS's `routes/reports/recruitment.py` and its
//! `recruitment_scoring_service`. For each target event, keywords are derived from its fields and texts
//! (`keywords::derive`). A volunteer may be asked ([`volunteers`]) and becomes a candidate when any keyword
//! is like the title, the department, the industry or a skill ([`select`]). The number of candidates is
//! limited as in VMS: the first ones by id are kept before they are ranked, so that a broad keyword can
//! displace better candidates. They are then rated ([`score`]) and ordered by points; ties stay ordered by
//! id. Candidates without any points are kept.
//!
//! One event is one group. Rows whose event is no longer a target are removed last, in a group of their own.

mod score;
mod select;
mod volunteers;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use self::score::{Evidence, Score, score};
use self::select::Selection;
use self::volunteers::{Person, Pool};
use super::keywords::Subject;
use super::targets::{self, Targets, next_start};
use crate::reports::boundaries::next_utc_midnight;
use crate::reports::{Entry, Group, Payload, Report, ReportSettings};
use crate::snapshot::{Event, Groups, Snapshot, Source};
use crate::vms::tables::{Key, Table};

/// Ranked volunteers: one entry per target event.
#[derive(Debug, Clone, Copy)]
pub struct Candidates;

const SOURCES: &[Source] = &[
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
];

impl Report for Candidates {
    fn table(&self) -> Table {
        Table::RecruitmentCandidatesCache
    }

    fn sources(&self) -> &'static [Source] {
        SOURCES
    }

    fn key_sources(&self) -> &'static [Source] {
        &[Source::Event]
    }

    fn keys(&self, snapshot: &Snapshot, settings: &ReportSettings, now: DateTime<Utc>) -> Vec<Key> {
        Targets::of(snapshot, settings, now).events.into_iter().map(targets::key).collect()
    }

    fn clock(&self, _snapshot: &Snapshot, _settings: &ReportSettings, now: DateTime<Utc>) -> String {
        // Recency is counted in days of UTC.
        now.date_naive().to_string()
    }

    fn next_keys(
        &self,
        snapshot: &Snapshot,
        _: &ReportSettings,
        after: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        // An event that begins at this very instant still counts as upcoming.
        let begun = TimeDelta::microseconds(1);
        next_start(snapshot.events.iter(), after - begun).map(|start| start + begun)
    }

    fn next_payloads(&self, _: &Snapshot, _: &ReportSettings, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        next_utc_midnight(after)
    }

    fn build<'s>(
        &self,
        snapshot: &'s Snapshot,
        settings: &'s ReportSettings,
        now: DateTime<Utc>,
    ) -> Box<dyn Iterator<Item = Group<'s>> + 's> {
        let Targets { events, retired } = Targets::of(snapshot, settings, now);
        let pool = Pool::of(snapshot, &settings.keywords.scoring, now.date_naive());
        let skills = EventSkills::of(snapshot);
        let groups = events.into_iter().map(move |event| {
            let candidates = candidates(&pool, settings, event, &skills.names(snapshot, event));
            let entry = Entry { key: targets::key(event), payload: vec![Payload::json(candidates)] };
            Group { name: format!("event {}", event.id), entries: vec![entry], retire: Vec::new() }
        });
        let retiring = (!retired.is_empty()).then(|| Group {
            name: "rows of other events".to_owned(),
            entries: Vec::new(),
            retire: retired,
        });
        Box::new(groups.chain(retiring))
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

/// A candidate as VMS stores one.
#[derive(Debug, Serialize)]
struct Candidate<'s> {
    id: i64,
    name: Arc<str>,
    email: Option<&'s str>,
    title: Option<&'s str>,
    organization: Option<&'s str>,
    skills: Arc<[&'s str]>,
    score: f64,
    reasons: Vec<String>,
    breakdown: String,
    /// VMS no longer links volunteers to connectors: always null.
    connector_profile_url: Option<&'static str>,
    has_connector_profile: bool,
}

impl<'s> Candidate<'s> {
    fn of(person: &Person<'s>, score: Score) -> Self {
        Self {
            id: person.volunteer.id,
            name: Arc::clone(&person.name),
            email: person.email,
            title: person.volunteer.title.as_deref(),
            organization: person.organization,
            skills: Arc::clone(&person.shown_skills),
            score: score.points,
            reasons: score.reasons,
            breakdown: score.breakdown,
            connector_profile_url: None,
            has_connector_profile: false,
        }
    }
}

fn candidates<'s>(
    pool: &Pool<'s>,
    settings: &'s ReportSettings,
    event: &'s Event,
    skills: &[&str],
) -> Vec<Candidate<'s>> {
    let rules = &settings.keywords;
    let keywords = rules.derive(Subject { event, skills });
    let kind = event.kind.as_deref();
    let label = rules.type_label(kind);
    let selection = Selection::new(pool, &keywords, &rules.scoring);
    let selected = pool.people.iter().filter(|person| selection.includes(person));
    let mut candidates: Vec<Candidate<'s>> = selected
        .take(rules.scoring.candidate_limit)
        .map(|person| {
            let evidence = Evidence {
                same_type: person.events_of(kind),
                label,
                hits: selection.hits(person),
                skills: selection.shared_skills(person),
            };
            Candidate::of(person, score(person, &evidence, &rules.scoring))
        })
        .collect();
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates
}
