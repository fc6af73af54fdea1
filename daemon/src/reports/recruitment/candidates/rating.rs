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
use std::collections::HashMap;
use std::fmt::{self, Display, Write as _};

use aho_corasick::AhoCorasick;
use serde::{Serialize, Serializer};

use crate::reports::dialect::{Like, round};
use crate::reports::recruitment::candidates::pool::{Person, Points, Pool};
use crate::reports::recruitment::keywords::{Placeholder, Scoring};

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

/// Matches of one event's keywords among the texts of a pool, and the points for them; each text is searched once.
/// Points are positions in the list of points.
pub(super) struct Selection<'p, 'k> {
    pool: &'p Pool<'p>,
    finder: Finder<'k>,
    rules: &'p Scoring,
    /// The type of the event, and its label.
    kind: (Option<&'p str>, &'p str),
    /// By field: whether a keyword is like it.
    fields: Vec<Option<bool>>,
    /// By title, department and industry.
    titles: Vec<OnceCell<Option<usize>>>,
    /// By number of participations in events of its type.
    same_type: HashMap<u64, usize>,
    /// By skills that are keywords.
    skills: HashMap<Vec<usize>, usize>,
    wanted_skills: Vec<bool>,
    points: Vec<Points>,
}

impl<'p, 'k> Selection<'p, 'k> {
    pub(super) fn new(
        pool: &'p Pool<'p>,
        keywords: &'k [Cow<'k, str>],
        rules: &'p Scoring,
        kind: (Option<&'p str>, &'p str),
    ) -> Self {
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
            kind,
            fields: vec![None; pool.fields.len()],
            titles: vec![OnceCell::new(); pool.hays.len()],
            same_type: HashMap::new(),
            skills: HashMap::new(),
            wanted_skills,
            points: Vec::new(),
        }
    }

    /// Returns whether any keyword is like any field of the person.
    pub(super) fn includes(&mut self, person: &Person<'_>) -> bool {
        let Self { fields, finder, pool, .. } = self;
        person.fields.iter().any(|&field| {
            let known = fields.get_mut(field);
            known.is_some_and(|known| *known.get_or_insert_with(|| finder.selects(pool.fields.get(field))))
        })
    }

    /// Rates a person.
    pub(super) fn score(&mut self, person: &Person<'_>) -> Score {
        let own = [self.same_type(person), self.title(person), self.skills(person)];
        let given = Given { own, points: &self.points, standing: &person.standing };
        let points = given.iter().fold(0.0, |sum, given| sum + given.value);
        Score { points: round(points, self.rules.round_digits), own }
    }

    /// The points that scores refer to.
    pub(super) fn into_points(self) -> Vec<Points> {
        self.points
    }

    /// For participations in events of the same type.
    fn same_type(&mut self, person: &Person<'_>) -> Option<usize> {
        let (kind, label) = self.kind;
        let events = person.events_of(kind);
        let points = || {
            let (points, text) = (self.rules.same_type, &self.rules.text);
            let values: [(Placeholder, &dyn Display); 2] =
                [(Placeholder::Label, &label), (Placeholder::N, &events)];
            listed(
                &mut self.points,
                Points::new(points, &text.same_type_reason, &text.same_type_line, &values),
            )
        };
        (events > 0).then(|| *self.same_type.entry(events).or_insert_with(points))
    }

    /// For the first keywords that are a part of the person's title, department and industry.
    fn title(&mut self, person: &Person<'_>) -> Option<usize> {
        let points = || {
            let (points, text) = (self.rules.title_match, &self.rules.text);
            let hits = self.finder.parts_of(self.pool.hays.get(person.hay), self.rules.max_title_hits);
            let shown = hits.join(&text.list_separator);
            let values: [(Placeholder, &dyn Display); 1] = [(Placeholder::Hits, &shown)];
            let points = || Points::new(points, &text.title_reason, &text.title_line, &values);
            (!hits.is_empty()).then(|| listed(&mut self.points, points()))
        };
        *self.titles.get(person.hay)?.get_or_init(points)
    }

    /// For the keywords that are skills of the person, by code point.
    fn skills(&mut self, person: &Person<'_>) -> Option<usize> {
        let is_wanted = |skill: &usize| self.wanted_skills.get(*skill) == Some(&true);
        let shared: Vec<usize> = person.skills.iter().copied().filter(is_wanted).collect();
        if shared.is_empty() {
            return None;
        }
        if let Some(known) = self.skills.get(&shared) {
            return Some(*known);
        }
        let (points, text) = (self.rules.skill_overlap, &self.rules.text);
        let names: Vec<&str> = shared.iter().map(|&skill| self.pool.skills.get(skill)).collect();
        let shown = names.join(&text.list_separator);
        let values: [(Placeholder, &dyn Display); 1] = [(Placeholder::Skills, &shown)];
        let points = Points::new(points, &text.skill_reason, &text.skill_line, &values);
        let position = listed(&mut self.points, points);
        self.skills.insert(shared, position);
        Some(position)
    }
}

/// Adds points to a list; returns their position.
fn listed(list: &mut Vec<Points>, points: Points) -> usize {
    list.push(points);
    list.len() - 1
}

/// Points, and positions of those that are given in this event: for its type, for titles, for skills.
#[derive(Debug)]
pub(super) struct Score {
    pub(super) points: f64,
    pub(super) own: [Option<usize>; 3],
}

/// The points that a person is given, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) own: [Option<usize>; 3],
    /// Those of the event.
    pub(super) points: &'a [Points],
    /// Those that are the same for every event.
    pub(super) standing: &'a [Points],
}

impl<'a> Given<'a> {
    fn iter(self) -> impl Iterator<Item = &'a Points> {
        let own = self.own.into_iter().flatten();
        own.filter_map(move |position| self.points.get(position)).chain(self.standing)
    }
}

/// The reasons for points, as VMS lists them.
#[derive(Debug)]
pub(super) struct Reasons<'a>(pub(super) Given<'a>);

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|points| &*points.reason))
    }
}

/// The same, a line each.
#[derive(Debug)]
pub(super) struct Breakdown<'a>(pub(super) Given<'a>);

impl Display for Breakdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, points) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_char('\n')?;
            }
            f.write_str(&points.line)?;
        }
        Ok(())
    }
}

impl Serialize for Breakdown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
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
