//! The keyword file: all data, as opposed to rules, of the recruitment reports.
//!
//! It mirrors the tables in VMS's `services/recruitment_scoring_service.py` and the constants of its
//! recruitment and DIA pages. One file is compiled in; the operator can replace it as a whole. A file that
//! would silently rank people differently from what its author intended (an upper-case term that never
//! matches, an empty trigger that always does, a boost that cannot be reached) is rejected when it is loaded.

mod check;
mod derive;
mod file;
mod template;
mod terms;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use serde::Deserialize;

use crate::describe::toml_error;

pub(crate) use derive::Subject;
pub use file::Keywords;
pub(crate) use file::{Dia, Frequency, Scoring};
pub(crate) use template::{Placeholder, Template};

/// The file that is compiled in.
const EMBEDDED: &str = include_str!("../../../../data/recruitment_keywords.toml");

const SCHEMA_VERSION: u32 = 1;

/// Reasons why a keyword file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum KeywordsError {
    /// The file is not valid TOML, lacks a required value, or has an unknown one.
    #[error("{0}")]
    Syntax(String),
    /// The file has another schema version.
    #[error("schema_version is {given}; this version reads {SCHEMA_VERSION}")]
    Version {
        /// The version in the file.
        given: u32,
    },
    /// An entry would not do what its author intended.
    #[error("{entry}: {what}")]
    Entry {
        /// Table and entry.
        entry: String,
        /// Description of the problem.
        what: String,
    },
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
        check::check(&keywords)?;
        Ok(keywords)
    }

    /// Returns the keywords that are compiled in.
    pub fn embedded() -> Result<Self, KeywordsError> {
        static PARSED: OnceLock<Keywords> = OnceLock::new();
        if let Some(parsed) = PARSED.get() {
            return Ok(parsed.clone());
        }
        let parsed = Self::parse(EMBEDDED)?;
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
