//! The districts that reports are generated for: a data file that the operator can replace.
//!
//! It mirrors VMS's `DISTRICT_MAPPING`. Order matters: VMS shows district cards in the order of their rows,
//! and rows are inserted in this order. Districts are matched by `district.salesforce_id`, never by the
//! integer id.

use std::collections::HashSet;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::describe::toml_error;

/// The mapping that is compiled in.
const BUILT_IN: &str = include_str!("../../../data/districts.toml");

const SCHEMA_VERSION: u32 = 1;

/// Reasons why a mapping file is rejected.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum MappingError {
    /// The file is not valid TOML, or lacks a required value.
    #[error("{0}")]
    Syntax(String),
    /// The file has another schema version.
    #[error("schema_version is {given}; this version reads {SCHEMA_VERSION}")]
    Version { given: u32 },
    /// An entry would match a district twice, or match any text.
    #[error("district {position} ({id:?}): {what}")]
    District { position: usize, id: String, what: &'static str },
}

/// One district of the mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// Its `salesforce_id`.
    pub id: String,
    /// Name in VMS's mapping, which may differ from the one in the database.
    pub name: String,
    /// Code in VMS's mapping; not used by any report.
    #[serde(default)]
    pub district_code: String,
    /// Not used by any report.
    #[serde(default)]
    pub merge_with: String,
    /// Whether reports are generated for the district.
    #[serde(default = "shown")]
    pub show: bool,
    /// Aliases of the name.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Whether VMS's own entry has aliases; not used by any report.
    #[serde(default)]
    pub has_aliases_key: bool,
}

const fn shown() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema_version: u32,
    #[serde(default, rename = "source")]
    _source: String,
    #[serde(default)]
    district: Vec<District>,
}

/// The mapping: districts in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistrictMapping(Vec<District>);

impl DistrictMapping {
    /// Parses the text of a mapping file.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let file: File =
            toml::from_str(text).map_err(|error| MappingError::Syntax(toml_error(text, &error)))?;
        if file.schema_version != SCHEMA_VERSION {
            return Err(MappingError::Version { given: file.schema_version });
        }
        let mut seen = HashSet::new();
        for (position, district) in (1..).zip(&file.district) {
            let what = if district.id.is_empty() {
                "its id is empty"
            } else if district.name.is_empty() {
                "its name is empty"
            } else if district.aliases.iter().any(String::is_empty) {
                "an alias is empty, which would match every event"
            } else if !seen.insert(district.id.as_str()) {
                "its id appears twice in the file"
            } else {
                continue;
            };
            return Err(MappingError::District { position, id: district.id.clone(), what });
        }
        Ok(Self(file.district))
    }

    /// Returns the mapping that is compiled in.
    pub fn embedded() -> Result<Self, MappingError> {
        static PARSED: OnceLock<DistrictMapping> = OnceLock::new();
        if let Some(parsed) = PARSED.get() {
            return Ok(parsed.clone());
        }
        let parsed = Self::parse(BUILT_IN)?;
        Ok(PARSED.get_or_init(|| parsed).clone())
    }

    /// Returns all districts of the mapping, including hidden ones.
    pub fn all(&self) -> &[District] {
        &self.0
    }

    /// Returns the districts that reports are generated for.
    pub fn shown(&self) -> impl Iterator<Item = &District> {
        self.0.iter().filter(|district| district.show)
    }

    /// Returns all values that payloads depend on, as text.
    pub(in crate::reports) fn canonical_text(&self) -> String {
        format!("{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_mapping_is_valid() {
        assert_eq!(DistrictMapping::embedded().unwrap().shown().count(), 7);
    }

    #[test]
    fn an_invalid_mapping_is_refused_with_the_reason() {
        let entry = |id: &str, rest: &str| format!("[[district]]\nid = \"{id}\"\nname = \"N\"\n{rest}\n");
        for (text, message) in [
            ("schema_version = 2".to_owned(), "this version reads 1"),
            (format!("schema_version = 1\n{}", entry("", "")), "its id is empty"),
            (format!("schema_version = 1\n{}", entry("a", "aliases = [\"\"]")), "would match every event"),
            (format!("schema_version = 1\n{}{}", entry("a", ""), entry("a", "")), "twice"),
            (format!("schema_version = 1\n{}", entry("a", "alias = []")), "unknown field `alias`"),
        ] {
            let error = DistrictMapping::parse(&text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
