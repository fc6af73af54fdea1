//! The keyword file: everything about recruitment that is data rather than rule.
//!
//! It mirrors the tables in VMS's `services/recruitment_scoring_service.py` and the constants of its
//! recruitment and DIA pages. One file is compiled in; the operator can replace it as a whole. A file that
//! would silently rank people differently from what its author meant (an upper-case term that never matches,
//! an empty trigger that always does, a boost that no one can reach) is refused when it is loaded.

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

/// Why a keyword file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeywordsError {
    /// The file is no TOML, lacks something, or has something that is not known.
    #[error("{0}")]
    Syntax(String),
    /// The file is made for another version.
    #[error("schema_version is {given}; this version reads {SCHEMA_VERSION}")]
    Version {
        /// The version in the file.
        given: u32,
    },
    /// An entry would not do what its author meant.
    #[error("{entry}: {what}")]
    Entry {
        /// Table and entry.
        entry: String,
        /// What is wrong with it.
        what: String,
    },
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

impl Keywords {
    /// Reads a keyword file's text.
    pub fn parse(text: &str) -> Result<Self, KeywordsError> {
        // The version comes first, so that a file for another version is not blamed for its unknown keys.
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

    /// The keywords that are compiled in.
    pub fn embedded() -> Result<Self, KeywordsError> {
        static PARSED: OnceLock<Keywords> = OnceLock::new();
        if let Some(parsed) = PARSED.get() {
            return Ok(parsed.clone());
        }
        let parsed = Self::parse(EMBEDDED)?;
        Ok(PARSED.get_or_init(|| parsed).clone())
    }

    /// Everything that payloads depend on, as text.
    pub(in crate::reports) fn canonical_text(&self) -> String {
        format!("{self:?}")
    }

    /// What an event type is called in a reason.
    pub(crate) fn type_label<'a>(&'a self, kind: Option<&'a str>) -> &'a str {
        let Some(kind) = kind else { return &self.event_type_rules.unknown_label };
        self.event_types.iter().find(|known| known.name == kind).map_or(kind, |known| &known.label)
    }
}
