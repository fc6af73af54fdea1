//! Points of a candidate, and their explanation.
//!
//! Points are given in this order, each with a reason and a line of the breakdown:
//!
//! 1. took part in events of this type before (the number of events does not matter);
//! 2. a keyword occurs in title, department or industry (their number does not matter);
//! 3. a keyword is a skill (their number does not matter);
//! 4. was active lately;
//! 5. lives nearby;
//! 6. took part in many events of any type.
//!
//! Participations count whatever their status: no-shows, cancelled and future ones, and this very event.
//! Points are added up in this order and rounded as Python rounds.

use std::fmt::{self, Display};
use std::sync::Arc;

use super::volunteers::Person;
use crate::reports::number::round;
use crate::reports::recruitment::keywords::{Placeholder, Scoring, Template};

/// Facts about a person with respect to one event.
#[derive(Debug)]
pub(super) struct Evidence<'e> {
    /// Number of participations in events of the same type.
    pub(super) same_type: u64,
    /// Label of that type.
    pub(super) label: &'e str,
    /// Keywords found in title, department and industry.
    pub(super) hits: Option<Arc<str>>,
    /// Keywords that are skills.
    pub(super) skills: Option<String>,
}

/// Points and their explanation.
#[derive(Debug, Default)]
pub(super) struct Score {
    pub(super) points: f64,
    pub(super) reasons: Vec<String>,
    pub(super) breakdown: String,
}

struct Points(f64);

impl Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl Score {
    fn add(
        &mut self,
        points: f64,
        reason: &Template,
        line: &Template,
        values: &[(Placeholder, &dyn Display)],
    ) {
        self.points += points;
        self.reasons.push(reason.fill(values));
        if !self.breakdown.is_empty() {
            self.breakdown.push('\n');
        }
        line.fill_into(&mut self.breakdown, values);
    }
}

/// Rates a person.
pub(super) fn score(person: &Person<'_>, evidence: &Evidence<'_>, rules: &Scoring) -> Score {
    let text = &rules.text;
    let mut score = Score::default();
    if evidence.same_type > 0 {
        let values: [(Placeholder, &dyn Display); 3] = [
            (Placeholder::Label, &evidence.label),
            (Placeholder::N, &evidence.same_type),
            (Placeholder::Boost, &Points(rules.same_type)),
        ];
        score.add(rules.same_type, &text.same_type_reason, &text.same_type_line, &values);
    }
    if let Some(hits) = &evidence.hits {
        let values: [(Placeholder, &dyn Display); 2] =
            [(Placeholder::Hits, hits), (Placeholder::Boost, &Points(rules.title_match))];
        score.add(rules.title_match, &text.title_reason, &text.title_line, &values);
    }
    if let Some(skills) = &evidence.skills {
        let values: [(Placeholder, &dyn Display); 2] =
            [(Placeholder::Skills, skills), (Placeholder::Boost, &Points(rules.skill_overlap))];
        score.add(rules.skill_overlap, &text.skill_reason, &text.skill_line, &values);
    }
    if person.recency > 0.0 {
        let values: [(Placeholder, &dyn Display); 1] = [(Placeholder::Boost, &Points(person.recency))];
        score.add(person.recency, &text.recency_reason, &text.recency_line, &values);
    }
    if person.locality > 0.0 {
        let values: [(Placeholder, &dyn Display); 1] = [(Placeholder::Boost, &Points(person.locality))];
        score.add(person.locality, &text.locality_reason, &text.locality_line, &values);
    }
    if let Some(step) = person.frequency {
        let values: [(Placeholder, &dyn Display); 2] =
            [(Placeholder::N, &person.events), (Placeholder::Boost, &Points(step.boost))];
        score.add(step.boost, &step.reason, &text.frequency_line, &values);
    }
    score.points = round(score.points, rules.round_digits);
    score
}
