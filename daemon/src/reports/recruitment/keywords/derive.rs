//! Derivation of an event's keywords, as `derive_keywords` of VMS's `recruitment_scoring_service` does it.
//!
//! Keywords are grouped in categories. Nine of them are derived from the event's fields and texts: words of
//! title and description, required skills, type, format, location, and four that VMS calls smart (patterns
//! and audience in the title, a context in title and description, the length of the title). An event of a
//! content-only type has neither type nor format keywords.
//!
//! When these nine yield any keyword, the subject of the title adds its keywords that none of them has. When
//! they yield none, the first meaningful words of the title are used, the subject adds all its keywords, and
//! if the list is still empty, universal keywords are used: the list is never empty.
//!
//! VMS leaves a missing description out when it searches for words, but turns it into the word `None` when it
//! searches for a context. No trigger of a context contains that word or a relevant part of it, so a missing
//! description is empty text here.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::reports::dialect::words;
use crate::reports::recruitment::keywords::file::{Category, Keywords, Rule};
use crate::snapshot::Event;

/// The input that keywords are derived from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'s> {
    /// The event.
    pub(crate) event: &'s Event,
    /// Names of the required skills, by id of the skill.
    pub(crate) skills: &'s [&'s str],
}

type Words<'a> = Vec<Cow<'a, str>>;

fn borrowed(words: &[String]) -> impl Iterator<Item = Cow<'_, str>> {
    words.iter().map(|word| Cow::Borrowed(word.as_str()))
}

fn brought_in<'a>(rules: &'a [Rule], text: &str) -> Words<'a> {
    rules
        .iter()
        .filter(|rule| triggered(&rule.triggers, text))
        .flat_map(|rule| borrowed(&rule.keywords))
        .collect()
}

impl Keywords {
    /// Returns the keywords of an event, each once: categories in the file's order, words from left to right.
    pub(crate) fn derive<'a>(&'a self, subject: Subject<'a>) -> Words<'a> {
        let mut categories = self.categories(subject);
        let mut seen = HashSet::new();
        let mut keywords = Vec::new();
        for wanted in &self.flatten.order {
            for (_, words) in categories.iter_mut().filter(|(category, _)| category == wanted) {
                keywords.extend(words.drain(..).filter(|word| seen.insert(word.clone())));
            }
        }
        keywords
    }

    fn categories<'a>(&'a self, Subject { event, skills }: Subject<'a>) -> Vec<(Category, Words<'a>)> {
        let title = event.title.as_deref().unwrap_or("");
        let description = event.description.as_deref().unwrap_or("");
        let text = format!("{title} {description}").to_lowercase();
        let lower_title = title.to_lowercase();
        let skills = skills.iter().filter(|name| !name.is_empty());

        let mut found = vec![
            (Category::Text, self.text_keywords(&text)),
            (Category::Skills, skills.map(|name| Cow::Owned(name.to_lowercase())).collect()),
            (Category::Type, self.type_keywords(event)),
            (Category::Format, self.format_keywords(event)),
            (Category::Location, self.location_keywords(event)),
            (Category::SmartPatterns, brought_in(&self.patterns, &lower_title)),
            (Category::SmartSemantic, brought_in(&self.semantics, &text)),
            (Category::SmartComplexity, self.complexity_keywords(title)),
            (Category::SmartAudienceLevel, self.audience_keywords(&lower_title)),
        ];
        let contextual = self.contextual.iter().find(|rule| triggered(&rule.triggers, &lower_title));
        let mut contextual: Words<'a> =
            contextual.map_or_else(Vec::new, |rule| borrowed(&rule.keywords).collect());
        if found.iter().all(|(_, words)| words.is_empty()) {
            let meaningful = self.meaningful_words(title);
            if meaningful.is_empty() && contextual.is_empty() {
                found.push((Category::Universal, borrowed(&self.fallback.universal).collect()));
            }
            found.push((Category::FallbackText, meaningful));
        } else {
            contextual.retain(|word| !found.iter().any(|(_, words)| words.contains(word)));
        }
        found.push((Category::Contextual, contextual));
        found
    }

    /// Returns the first few terms of each domain, then tools, then levels; only levels are also found inside
    /// words.
    fn text_keywords(&self, text: &str) -> Words<'_> {
        let is_word = |term: &&String| has_word(text, term);
        let domains = self
            .text
            .domains
            .iter()
            .flat_map(|domain| domain.terms.iter().filter(is_word).take(self.text.max_terms_per_domain));
        let tools = self.text.tools.terms.iter().filter(is_word);
        let levels = self.text.levels.terms.iter().filter(|level| text.contains(level.as_str()));
        domains.chain(tools).chain(levels).map(|term| Cow::Borrowed(term.as_str())).collect()
    }

    fn is_content_only(&self, event: &Event) -> bool {
        let only = &self.event_type_rules.content_only_types;
        event.kind.as_deref().is_some_and(|kind| only.iter().any(|name| name == kind))
    }

    fn type_keywords(&self, event: &Event) -> Words<'_> {
        let known = self.event_types.iter().find(|known| Some(known.name.as_str()) == event.kind.as_deref());
        match known {
            Some(known) if !self.is_content_only(event) => borrowed(&known.keywords).collect(),
            _ => Vec::new(),
        }
    }

    fn format_keywords(&self, event: &Event) -> Words<'_> {
        let known = self.formats.iter().find(|known| Some(known.name.as_str()) == event.format.as_deref());
        match known {
            Some(known) if !self.is_content_only(event) => borrowed(&known.keywords).collect(),
            _ => Vec::new(),
        }
    }

    fn location_keywords(&self, event: &Event) -> Words<'_> {
        let location = event.location.as_deref().unwrap_or("").to_lowercase();
        brought_in(&self.locations, &location)
    }

    fn complexity_keywords(&self, title: &str) -> Words<'_> {
        let count = words(title).count();
        let rules = &self.complexity;
        if count > rules.long_more_than {
            borrowed(&rules.long_keywords).collect()
        } else if count < rules.short_fewer_than {
            borrowed(&rules.short_keywords).collect()
        } else {
            Vec::new()
        }
    }

    /// Returns the first audience level that matches, by name, and the keywords that VMS adds to any level.
    fn audience_keywords(&self, lower_title: &str) -> Words<'_> {
        let level = self.audience.levels.iter().find(|level| triggered(&level.triggers, lower_title));
        level.map_or_else(Vec::new, |level| {
            std::iter::once(Cow::Borrowed(level.name.as_str()))
                .chain(borrowed(&self.audience.extra_keywords))
                .collect()
        })
    }

    /// Returns the first words of the title that are neither stop words nor short, without surrounding
    /// punctuation.
    fn meaningful_words(&self, title: &str) -> Words<'static> {
        let rules = &self.fallback;
        words(title)
            .map(|word| word.to_lowercase().trim_matches(|c| rules.strip_chars.contains(c)).to_owned())
            .filter(|word| word.chars().count() >= rules.min_word_length && !rules.stop_words.contains(word))
            .take(rules.max_words)
            .map(Cow::Owned)
            .collect()
    }
}

/// Returns whether `term` occurs in `text` as VMS understands a word: between single spaces, or at the very
/// beginning or end of the text. Only the space separates words, and the beginning and the end require no
/// separator at all: a text that starts with `ready` contains the word `r`.
fn has_word(text: &str, term: &str) -> bool {
    text.starts_with(term) || text.ends_with(term) || text.contains(&format!(" {term} "))
}

/// Returns whether any of `triggers` occurs in `text`, inside a word or not.
fn triggered(triggers: &[String], text: &str) -> bool {
    triggers.iter().any(|trigger| text.contains(trigger.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_between_spaces_or_at_the_ends_of_the_text() {
        for (text, term, expected) in [
            ("learn sql today", "sql", true),
            ("learn sql, today", "sql", false),
            ("learn\nsql today", "sql", false),
            ("learn mysql today", "sql", false),
            ("sqlite for all ", "sql", true),
            ("a talk on mysql", "sql", true),
            ("a talk on mysql ", "sql", false),
            ("a talk on sql ", "sql", true),
            ("ready for work", "r", true),
            ("a b", "b", true),
            ("power bi in power  bi", "power bi", true),
            ("use power  bi now", "power bi", false),
            ("use power bi now", "power bi", true),
            ("aa aa aa", "aa aa", true),
            ("x aa aa y", "aa aa", true),
            (" ", "it", false),
            ("é été é", "été", true),
        ] {
            assert_eq!(has_word(text, term), expected, "{text:?} {term:?}");
        }
    }
}
