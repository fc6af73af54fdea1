//! The tables of the keyword file, and its texts with placeholders, such as `Frequency ({n}): +{boost}`.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Rules by which VMS ranks volunteers for an event, and by which its DIA report lists events.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keywords {
    #[serde(rename = "schema_version")]
    _schema_version: IgnoredAny,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
    pub(crate) scoring: Scoring,
    #[serde(rename = "event_type")]
    pub(crate) event_types: Vec<EventType>,
    pub(crate) event_type_rules: EventTypeRules,
    pub(crate) text: Text,
    #[serde(rename = "format")]
    pub(crate) formats: Vec<Format>,
    #[serde(rename = "location")]
    pub(crate) locations: Vec<Rule>,
    #[serde(rename = "pattern")]
    pub(crate) patterns: Vec<Rule>,
    #[serde(rename = "semantic")]
    pub(crate) semantics: Vec<Rule>,
    pub(crate) complexity: Complexity,
    pub(crate) audience: Audience,
    pub(crate) contextual: Vec<Rule>,
    pub(crate) fallback: Fallback,
    pub(crate) flatten: Flatten,
    pub(crate) dia: Dia,
}

/// Points, and their explanations.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scoring {
    pub(crate) candidate_limit: usize,
    pub(crate) max_title_hits: usize,
    pub(crate) max_skills_in_payload: usize,
    pub(crate) round_digits: usize,
    pub(crate) same_type: f64,
    pub(crate) title_match: f64,
    pub(crate) skill_overlap: f64,
    #[serde(default, rename = "connector_profile")]
    _connector_profile: IgnoredAny,
    pub(crate) recency: Vec<Recency>,
    pub(crate) locality: BTreeMap<String, f64>,
    pub(crate) frequency: Vec<Frequency>,
    pub(crate) text: ScoringText,
}

/// Points for having volunteered at most so many days ago.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recency {
    pub(crate) max_days: i64,
    pub(crate) boost: f64,
}

/// Points for having volunteered at least so often.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frequency {
    pub(crate) min_events: u64,
    pub(crate) boost: f64,
    pub(crate) reason: Template,
}

/// The sentences in which points are explained.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoringText {
    pub(crate) same_type_reason: Template,
    pub(crate) same_type_line: Template,
    pub(crate) title_reason: Template,
    pub(crate) title_line: Template,
    pub(crate) skill_reason: Template,
    pub(crate) skill_line: Template,
    #[serde(default, rename = "connector_reason")]
    _connector_reason: IgnoredAny,
    #[serde(default, rename = "connector_line")]
    _connector_line: IgnoredAny,
    pub(crate) recency_reason: Template,
    pub(crate) recency_line: Template,
    pub(crate) locality_reason: Template,
    pub(crate) locality_line: Template,
    pub(crate) frequency_line: Template,
    #[serde(default, rename = "boost_format")]
    _boost_format: IgnoredAny,
    pub(crate) list_separator: String,
}

/// An event type by its enum name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventType {
    pub(crate) name: String,
    #[serde(default, rename = "value")]
    _value: IgnoredAny,
    pub(crate) label: String,
    pub(crate) keywords: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventTypeRules {
    /// Label of an event without a type.
    pub(crate) unknown_label: String,
    /// Types whose events have neither type nor format keywords.
    pub(crate) content_only_types: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) max_terms_per_domain: usize,
    #[serde(rename = "domain")]
    pub(crate) domains: Vec<Domain>,
    pub(crate) tools: Terms,
    pub(crate) levels: Terms,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) terms: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    pub(crate) terms: Vec<String>,
}

/// An event format by its enum name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Format {
    pub(crate) name: String,
    #[serde(default, rename = "value")]
    _value: IgnoredAny,
    pub(crate) keywords: Vec<String>,
}

/// Keywords that any of the triggers adds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) triggers: Vec<String>,
    pub(crate) keywords: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Complexity {
    pub(crate) long_more_than: usize,
    pub(crate) long_keywords: Vec<String>,
    pub(crate) short_fewer_than: usize,
    pub(crate) short_keywords: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audience {
    pub(crate) extra_keywords: Vec<String>,
    #[serde(rename = "level")]
    pub(crate) levels: Vec<Level>,
}

/// An audience level; its name is a keyword itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    pub(crate) name: String,
    pub(crate) triggers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fallback {
    pub(crate) strip_chars: String,
    pub(crate) min_word_length: usize,
    pub(crate) max_words: usize,
    pub(crate) stop_words: Vec<String>,
    pub(crate) universal: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flatten {
    pub(crate) order: Vec<Category>,
}

/// Where a keyword comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Category {
    Text,
    Skills,
    Type,
    Format,
    Location,
    SmartPatterns,
    SmartSemantic,
    SmartComplexity,
    SmartAudienceLevel,
    FallbackText,
    Contextual,
    Universal,
}

impl Category {
    pub(super) const COUNT: usize = 12;
}

/// Which events the DIA report lists, and what it writes for missing values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dia {
    pub(crate) event_types: Vec<String>,
    pub(crate) title_phrases: Vec<String>,
    pub(crate) default_participant_type: String,
    pub(crate) no_organization: String,
    pub(crate) salesforce_id_prefix: String,
    pub(crate) salesforce_event_url: Template,
}

/// Names that are allowed between braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// Label of an event type.
    Label,
    /// A number of events.
    N,
    /// Keywords found in title, department and industry.
    Hits,
    /// Skills that the event and the volunteer share.
    Skills,
    /// Points.
    Boost,
    /// Id in Salesforce.
    SalesforceId,
}

impl Placeholder {
    const ALL: [Self; 6] = [Self::Label, Self::N, Self::Hits, Self::Skills, Self::Boost, Self::SalesforceId];

    const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::N => "n",
            Self::Hits => "hits",
            Self::Skills => "skills",
            Self::Boost => "boost",
            Self::SalesforceId => "salesforce_id",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A text with placeholders, parsed when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

/// Reasons why a text is not a valid template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("{{{0}}} is not a placeholder; valid placeholders are {known}", known = known())]
    Unknown(String),
    #[error("a brace is opened and never closed")]
    Open,
}

fn known() -> String {
    Placeholder::ALL.map(|placeholder| format!("{{{}}}", placeholder.name())).join(", ")
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
            let placeholder = Placeholder::ALL
                .into_iter()
                .find(|placeholder| placeholder.name() == name)
                .ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Placeholder(placeholder));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }
}

impl Template {
    /// Returns whether the text is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the text has only these placeholders.
    pub(super) fn has_only(&self, placeholders: &[Placeholder]) -> bool {
        self.0.iter().all(|piece| match piece {
            Piece::Text(_) => true,
            Piece::Placeholder(placeholder) => placeholders.contains(placeholder),
        })
    }

    /// Returns whether the text has the placeholder.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Placeholder(placeholder))
    }

    /// Returns the text with its placeholders filled; one without a value is left out.
    pub(crate) fn fill(&self, values: &[(Placeholder, &dyn Display)]) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Placeholder(placeholder) => {
                    if let Some((_, value)) = values.iter().find(|(given, _)| given == placeholder) {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "{value}");
                    }
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_by_their_values() {
        let template = Template::try_from("Past {label} event ({n}x)".to_owned()).unwrap();
        assert_eq!(
            template.fill(&[(Placeholder::N, &3), (Placeholder::Label, &"Career {n} Fair")]),
            "Past Career {n} Fair event (3x)"
        );
        assert!(
            template.has_only(&[Placeholder::N, Placeholder::Label]) && !template.has_only(&[Placeholder::N])
        );
    }

    #[test]
    fn an_unknown_placeholder_is_refused() {
        for (text, message) in [("{points}", "{points} is not a placeholder"), ("{n", "never closed")] {
            let error = Template::try_from(text.to_owned()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
