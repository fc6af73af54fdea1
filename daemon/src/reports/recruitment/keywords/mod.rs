//! The keyword file: all data, as opposed to rules, of the recruitment reports.
//!
//! It mirrors the tables in VMS's `services/recruitment_scoring_service.py` and the constants of its
//! recruitment and DIA pages. One file is compiled in; the operator can replace it as a whole. A file that
//! would silently rank people differently from what its author intended (an upper-case term that never
//! matches, an empty trigger that always does, a boost that cannot be reached) is rejected when it is loaded.

mod derive;
mod file;
#[cfg(test)]
mod tests;

pub(crate) use derive::Subject;
pub use file::Keywords;
pub(crate) use file::{Dia, Placeholder, Scoring, Template};

use std::collections::HashSet;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::describe::toml_error;
use crate::reports::recruitment::keywords::file::{Category, Rule};

/// The file that is compiled in.
const BUILT_IN: &str = include_str!("../../../../data/recruitment_keywords.toml");

const SCHEMA_VERSION: u32 = 1;

/// Reasons why a keyword file is rejected.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum KeywordsError {
    /// The file is not valid TOML, lacks a required value, or has an unknown one.
    #[error("{0}")]
    Syntax(String),
    /// The file has another schema version.
    #[error("schema_version is {given}; this version reads {SCHEMA_VERSION}")]
    Version { given: u32 },
    /// An entry would not do what its author intended.
    #[error("{entry}: {what}")]
    Entry { entry: String, what: String },
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

impl Keywords {
    /// Parses the text of a keyword file.
    pub fn parse(text: &str) -> Result<Self, KeywordsError> {
        // The version is checked first, so that a file for another version is not rejected for its unknown
        // keys.
        let Version { schema_version } =
            toml::from_str(text).map_err(|error| KeywordsError::Syntax(toml_error(text, &error)))?;
        if schema_version != SCHEMA_VERSION {
            return Err(KeywordsError::Version { given: schema_version });
        }
        let keywords: Self =
            toml::from_str(text).map_err(|error| KeywordsError::Syntax(toml_error(text, &error)))?;
        check(&keywords)?;
        Ok(keywords)
    }

    /// Returns the keywords that are compiled in.
    pub fn embedded() -> Result<Self, KeywordsError> {
        static PARSED: OnceLock<Keywords> = OnceLock::new();
        if let Some(parsed) = PARSED.get() {
            return Ok(parsed.clone());
        }
        let parsed = Self::parse(BUILT_IN)?;
        Ok(PARSED.get_or_init(|| parsed).clone())
    }

    /// Returns all values that payloads depend on, as text.
    pub(in crate::reports) fn canonical_text(&self) -> String {
        format!("{self:?}")
    }

    /// Returns the label of an event type in a reason.
    pub(crate) fn type_label<'a>(&'a self, kind: Option<&'a str>) -> &'a str {
        let Some(kind) = kind else { return &self.event_type_rules.unknown_label };
        self.event_types.iter().find(|known| known.name == kind).map_or(kind, |known| &known.label)
    }
}

type Checked = Result<(), KeywordsError>;

/// Rounding to more digits than this changes no sum of points.
const MAX_DIGITS: usize = 15;

fn check(keywords: &Keywords) -> Checked {
    scoring(&keywords.scoring)?;
    templates(keywords)?;
    events(keywords)?;
    vocabulary(keywords)?;
    let order = &keywords.flatten.order;
    let named = order.iter().collect::<HashSet<_>>().len();
    require(order.len() == named, "flatten.order", "a category appears twice")?;
    require(named == Category::COUNT, "flatten.order", "a category is missing, its keywords would be lost")
}

fn require(holds: bool, entry: &str, what: &str) -> Checked {
    if holds { Ok(()) } else { Err(KeywordsError::Entry { entry: entry.to_owned(), what: what.to_owned() }) }
}

fn scoring(scoring: &Scoring) -> Checked {
    for (entry, limit) in [
        ("scoring.candidate_limit", scoring.candidate_limit),
        ("scoring.max_title_hits", scoring.max_title_hits),
        ("scoring.max_skills_in_payload", scoring.max_skills_in_payload),
    ] {
        require(limit > 0, entry, "must be at least 1")?;
    }
    require(scoring.round_digits <= MAX_DIGITS, "scoring.round_digits", "must be at most 15")?;
    let boosts = [
        ("scoring.same_type", scoring.same_type),
        ("scoring.title_match", scoring.title_match),
        ("scoring.skill_overlap", scoring.skill_overlap),
    ];
    let localities = scoring.locality.values().map(|&boost| ("scoring.locality", boost));
    let recency = scoring.recency.iter().map(|step| ("scoring.recency", step.boost));
    let frequency = scoring.frequency.iter().map(|step| ("scoring.frequency", step.boost));
    for (entry, boost) in boosts.into_iter().chain(localities).chain(recency).chain(frequency) {
        require(boost.is_finite() && boost >= 0.0, entry, "points must be a number from 0 up")?;
    }
    let later = scoring.recency.is_sorted_by(|a, b| a.max_days < b.max_days);
    require(later, "scoring.recency", "max_days must rise, or a later entry is never reached")?;
    let fewer = scoring.frequency.is_sorted_by(|a, b| a.min_events > b.min_events);
    require(fewer, "scoring.frequency", "min_events must fall, or a later entry is never reached")?;
    require(
        scoring.frequency.iter().all(|step| step.min_events > 0),
        "scoring.frequency",
        "min_events must be at least 1",
    )
}

fn templates(keywords: &Keywords) -> Checked {
    let text = &keywords.scoring.text;
    let named: [(&str, &Template, &[Placeholder]); 11] = [
        ("same_type_reason", &text.same_type_reason, &[Placeholder::Label, Placeholder::N]),
        ("same_type_line", &text.same_type_line, &[Placeholder::Label, Placeholder::N, Placeholder::Boost]),
        ("title_reason", &text.title_reason, &[Placeholder::Hits]),
        ("title_line", &text.title_line, &[Placeholder::Hits, Placeholder::Boost]),
        ("skill_reason", &text.skill_reason, &[Placeholder::Skills]),
        ("skill_line", &text.skill_line, &[Placeholder::Skills, Placeholder::Boost]),
        ("recency_reason", &text.recency_reason, &[]),
        ("recency_line", &text.recency_line, &[Placeholder::Boost]),
        ("locality_reason", &text.locality_reason, &[]),
        ("locality_line", &text.locality_line, &[Placeholder::Boost]),
        ("frequency_line", &text.frequency_line, &[Placeholder::N, Placeholder::Boost]),
    ];
    let named =
        named.map(|(name, template, placeholders)| (format!("scoring.text.{name}"), template, placeholders));
    let frequency = keywords.scoring.frequency.iter();
    let frequency =
        frequency.map(|step| ("scoring.frequency.reason".to_owned(), &step.reason, &[Placeholder::N][..]));
    let url = &keywords.dia.salesforce_event_url;
    let url_entry = "dia.salesforce_event_url";
    let url = (url_entry.to_owned(), url, &[Placeholder::SalesforceId][..]);
    for (entry, template, placeholders) in named.into_iter().chain(frequency).chain([url]) {
        require(!template.is_empty(), &entry, "is empty")?;
        require(template.has_only(placeholders), &entry, "has a placeholder that is not valid there")?;
    }
    let has_id = keywords.dia.salesforce_event_url.has(Placeholder::SalesforceId);
    require(has_id, url_entry, "lacks {salesforce_id}, so that every event would have the same link")
}

/// Checks the tables that are keyed by values that VMS stores.
fn events(keywords: &Keywords) -> Checked {
    unique("event_type", keywords.event_types.iter().map(|kind| kind.name.as_str()))?;
    unique("format", keywords.formats.iter().map(|format| format.name.as_str()))?;
    for kind in &keywords.event_types {
        require(!kind.label.is_empty(), &format!("event_type {:?}", kind.name), "its label is empty")?;
    }
    for name in &keywords.event_type_rules.content_only_types {
        let known = keywords.event_types.iter().any(|kind| kind.name == *name);
        let entry = format!("event_type_rules.content_only_types {name:?}");
        require(known, &entry, "is not among the event types")?;
    }
    let dia = &keywords.dia;
    require(
        !dia.event_types.is_empty(),
        "dia.event_types",
        "is empty, the report would never list anything",
    )?;
    unique("dia.event_types", dia.event_types.iter().map(String::as_str))?;
    let phrases = dia.title_phrases.iter();
    for phrase in phrases {
        require(!phrase.is_empty(), "dia.title_phrases", "a phrase is empty, which every title contains")?;
    }
    let prefix = &dia.salesforce_id_prefix;
    require(!prefix.is_empty(), "dia.salesforce_id_prefix", "is empty, which every name begins with")
}

fn unique<'a>(table: &str, names: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = HashSet::new();
    for name in names {
        require(!name.is_empty(), table, "a name is empty")?;
        require(seen.insert(name), &format!("{table} {name:?}"), "appears twice")?;
    }
    Ok(())
}

/// Checks words: an empty one would match everything, one that is not lower case nothing.
fn vocabulary(keywords: &Keywords) -> Checked {
    require(keywords.text.max_terms_per_domain > 0, "text.max_terms_per_domain", "must be at least 1")?;
    for domain in &keywords.text.domains {
        words(&format!("text.domain {:?} terms", domain.name), &domain.terms)?;
    }
    words("text.tools", &keywords.text.tools.terms)?;
    words("text.levels", &keywords.text.levels.terms)?;
    for kind in &keywords.event_types {
        words(&format!("event_type {:?} keywords", kind.name), &kind.keywords)?;
    }
    for format in &keywords.formats {
        words(&format!("format {:?} keywords", format.name), &format.keywords)?;
    }
    for (table, rules) in [
        ("location", &keywords.locations),
        ("pattern", &keywords.patterns),
        ("semantic", &keywords.semantics),
        ("contextual", &keywords.contextual),
    ] {
        for (position, rule) in (1..).zip(rules) {
            rule_words(table, position, rule)?;
        }
    }
    words("complexity.long_keywords", &keywords.complexity.long_keywords)?;
    words("complexity.short_keywords", &keywords.complexity.short_keywords)?;
    words("audience.extra_keywords", &keywords.audience.extra_keywords)?;
    for level in &keywords.audience.levels {
        let entry = format!("audience.level {:?}", level.name);
        words(&entry, std::slice::from_ref(&level.name))?;
        words(&format!("{entry} triggers"), &level.triggers)?;
        require(!level.triggers.is_empty(), &entry, "has no triggers and is never reached")?;
    }
    let fallback = &keywords.fallback;
    require(fallback.min_word_length > 0, "fallback.min_word_length", "must be at least 1")?;
    require(fallback.max_words > 0, "fallback.max_words", "must be at least 1")?;
    words("fallback.stop_words", &fallback.stop_words)?;
    words("fallback.universal", &fallback.universal)?;
    require(
        !fallback.universal.is_empty(),
        "fallback.universal",
        "is empty, some events would have no keyword",
    )
}

fn rule_words(table: &str, position: usize, rule: &Rule) -> Checked {
    let entry = match rule.name.as_str() {
        "" => format!("{table} {position}"),
        name => format!("{table} {position} ({name:?})"),
    };
    require(!rule.triggers.is_empty(), &entry, "has no triggers and is never reached")?;
    require(!rule.keywords.is_empty(), &entry, "has no keywords")?;
    words(&format!("{entry} triggers"), &rule.triggers)?;
    words(&format!("{entry} keywords"), &rule.keywords)
}

fn words(entry: &str, words: &[String]) -> Checked {
    for word in words {
        require(!word.is_empty(), entry, "a word is empty, which everything contains")?;
        let what = format!("{word:?} is not lower case and would never be found");
        require(*word == word.to_lowercase(), entry, &what)?;
    }
    Ok(())
}
