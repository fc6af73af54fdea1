//! The tables of the keyword file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::template::Template;

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
