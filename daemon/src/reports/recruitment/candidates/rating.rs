//! Which people of the pool become candidates for an event, and their points.
//!
//! # Selection
//!
//! Two comparisons differ, as they do in VMS. *Selecting* is done by its database: a field is like
//! `%keyword%`, with the case of ASCII letters ignored and `%` and `_` in a keyword acting as wildcards.
//! *Rating* is done by its Python: a keyword is a part of title, department and industry in lower case (it
//! may span their joints), or equals a skill in lower case.
//!
//! Keywords are lower case, and so is the text in the second comparison; one automaton that ignores the case
//! of ASCII letters therefore serves both, and keywords with wildcards are matched separately.
//!
//! # Points
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

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::{self, Display};
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use crate::reports::dialect::{Like, round};
use crate::reports::recruitment::candidates::pool::{Person, Pool};
use crate::reports::recruitment::keywords::{Placeholder, Scoring, Template};

/// Finds keywords in texts.
struct Finder<'k> {
    keywords: &'k [Cow<'k, str>],
    /// `None` when there are too many keywords for one automaton; then they are searched one by one.
    automaton: Option<AhoCorasick>,
    likes: Vec<Like>,
}

impl<'k> Finder<'k> {
    fn new(keywords: &'k [Cow<'k, str>]) -> Self {
        let words = keywords.iter().map(AsRef::as_ref);
        Self::with(
            keywords,
            AhoCorasick::builder().ascii_case_insensitive(true).build(words.map(str::as_bytes)).ok(),
        )
    }

    fn with(keywords: &'k [Cow<'k, str>], automaton: Option<AhoCorasick>) -> Self {
        let by_hand = |word: &&Cow<'_, str>| automaton.is_none() || Like::has_wildcard(word);
        let likes = keywords.iter().filter(by_hand).map(|word| Like::containing(word)).collect();
        Self { keywords, automaton, likes }
    }

    /// Returns whether a text is like any keyword.
    fn selects(&self, text: &str) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(text))
            || self.likes.iter().any(|like| like.matches(text))
    }

    /// Returns the first `limit` keywords that are a part of a lower-case text, in their order.
    fn parts_of(&self, text: &str, limit: usize) -> Vec<&'k str> {
        let mut found: Vec<usize> = match &self.automaton {
            Some(automaton) => {
                automaton.find_overlapping_iter(text).map(|part| part.pattern().as_usize()).collect()
            }
            None => (0..)
                .zip(self.keywords)
                .filter(|(_, word)| text.contains(word.as_ref()))
                .map(|(n, _)| n)
                .collect(),
        };
        found.sort_unstable();
        found.dedup();
        found.into_iter().take(limit).filter_map(|n| self.keywords.get(n)).map(AsRef::as_ref).collect()
    }
}

/// Matches of one event's keywords among the texts of a pool; each text is searched once.
pub(super) struct Selection<'p, 'k> {
    pool: &'p Pool<'p>,
    finder: Finder<'k>,
    rules: &'p Scoring,
    fields: Vec<OnceCell<bool>>,
    hits: Vec<OnceCell<Option<Arc<str>>>>,
    wanted_skills: Vec<bool>,
}

impl<'p, 'k> Selection<'p, 'k> {
    pub(super) fn new(pool: &'p Pool<'p>, keywords: &'k [Cow<'k, str>], rules: &'p Scoring) -> Self {
        let mut wanted_skills = vec![false; pool.skills.len()];
        for position in keywords.iter().filter_map(|word| pool.skills.position(word)) {
            if let Some(wanted) = wanted_skills.get_mut(position) {
                *wanted = true;
            }
        }
        Self {
            pool,
            finder: Finder::new(keywords),
            rules,
            fields: vec![OnceCell::new(); pool.fields.len()],
            hits: vec![OnceCell::new(); pool.hays.len()],
            wanted_skills,
        }
    }

    /// Returns whether any keyword is like any field of the person.
    pub(super) fn includes(&self, person: &Person<'_>) -> bool {
        person.fields.iter().any(|&field| {
            let known = self.fields.get(field);
            known.is_some_and(|known| *known.get_or_init(|| self.finder.selects(self.pool.fields.get(field))))
        })
    }

    /// Returns the first keywords that are a part of the person's title, department and industry; `None` if
    /// there are none.
    pub(super) fn hits(&self, person: &Person<'_>) -> Option<Arc<str>> {
        let known = self.hits.get(person.hay)?;
        let hits = known.get_or_init(|| {
            let hits = self.finder.parts_of(self.pool.hays.get(person.hay), self.rules.max_title_hits);
            (!hits.is_empty()).then(|| hits.join(&self.rules.text.list_separator).into())
        });
        hits.clone()
    }

    /// Returns the keywords that are skills of the person, by code point; `None` if there are none.
    pub(super) fn shared_skills(&self, person: &Person<'_>) -> Option<String> {
        let is_wanted = |skill: &&usize| self.wanted_skills.get(**skill) == Some(&true);
        let shared: Vec<&str> =
            person.skills.iter().filter(is_wanted).map(|&skill| self.pool.skills.get(skill)).collect();
        (!shared.is_empty()).then(|| shared.join(&self.rules.text.list_separator))
    }
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_pass_finds_the_same_keywords_as_separate_searches(
            keywords in proptest::collection::vec("[abé%_ ]{1,4}", 1..12),
            text in "[abABéÉ ]{0,12}",
        ) {
            let keywords: Vec<Cow<'_, str>> = keywords.into_iter().map(Cow::Owned).collect();
            let fast = Finder::new(&keywords);
            let plain = Finder::with(&keywords, None);
            prop_assert!(fast.automaton.is_some());
            prop_assert_eq!(fast.selects(&text), plain.selects(&text));
            let lower = text.to_lowercase();
            let limit = keywords.len();
            // A duplicate keyword would be two hits here; derived keywords are distinct.
            let names = |finder: &Finder<'_>| {
                finder.parts_of(&lower, limit).into_iter().map(str::to_owned).collect::<Vec<_>>()
            };
            prop_assert_eq!(names(&fast), names(&plain));
        }
    }
}
