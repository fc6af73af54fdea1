//! The word lists from which the sample is generated.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The largest scale: the sample is generated in memory, and this scale takes some hundred megabytes.
pub const MAX_SCALE: u32 = 100;

/// Reasons why no sample could be generated.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum DemoError {
    /// The target file exists and is not empty: a sample never replaces anything.
    #[error("{} exists already and is not an empty file; choose another place or remove it first", path.display())]
    Exists { path: PathBuf },
    /// The directory or the file could not be created.
    #[error("cannot write the sample database at {}; check that the directory is writable", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// SQLite failed; the unfinished file has been removed.
    #[error("cannot fill the sample database {}; check the free space and choose another place", path.display())]
    Database { path: PathBuf, source: sea_orm::DbErr },
    /// The scale is zero, or the sample would not fit into memory.
    #[error("a sample of scale {scale} cannot be made; choose one from 1 to {MAX_SCALE}")]
    Scale { scale: u32 },
    /// There are no school days around `now`.
    #[error("there is no school calendar around {now}; choose a date of this era")]
    Date { now: DateTime<Utc> },
    /// A built-in word list cannot be read.
    #[error("the built-in word list {list} is broken; this build of cached is unusable for demonstrations")]
    List { list: &'static str, source: Box<toml::de::Error> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct District {
    pub(super) name: String,
    #[serde(default)]
    pub(super) salesforce_id: Option<String>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    pub(super) schools: Vec<School>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct School {
    pub(super) name: String,
    pub(super) level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) first: Vec<String>,
    pub(super) last: Vec<String>,
    pub(super) subjects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profession {
    pub(super) title: String,
    pub(super) department: String,
    pub(super) industry: String,
    pub(super) skills: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organizations {
    pub(super) heads: Vec<String>,
    pub(super) cities: Vec<String>,
    #[serde(rename = "kind")]
    pub(super) kinds: Vec<OrganizationKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationKind {
    pub(super) name: String,
    pub(super) sector: String,
    /// Industries of most of its people.
    pub(super) industries: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) title: String,
    pub(super) series: String,
}

/// Kind of place at which events of a type happen.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Online,
    School,
    Evening,
    Workplace,
    Campus,
    Office,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    /// The member name of VMS's event type.
    pub(super) name: String,
    pub(super) weight: u32,
    pub(super) place: Place,
    /// Fewest and most volunteers.
    pub(super) volunteers: [u32; 2],
    pub(super) minutes: Vec<u32>,
    /// Hours that a volunteer is credited with; empty when none are recorded.
    pub(super) hours: Vec<f64>,
    pub(super) titles: Vec<String>,
    #[serde(default)]
    pub(super) level: Option<String>,
}

pub(super) struct Lists {
    pub(super) districts: Vec<District>,
    pub(super) names: Names,
    pub(super) professions: Vec<Profession>,
    pub(super) organizations: Organizations,
    pub(super) sessions: Vec<Session>,
    pub(super) programs: Vec<Program>,
    /// Every skill of a profession once, in order of first mention.
    pub(super) skills: Vec<String>,
}

impl Lists {
    /// Reads the built-in lists. They are checked by tests; an error here means a broken build.
    pub(super) fn load() -> Result<Self, DemoError> {
        let districts = section("region.toml", "district", include_str!("../../data/demo/region.toml"))?;
        let professions: Vec<Profession> =
            section("professions.toml", "profession", include_str!("../../data/demo/professions.toml"))?;
        let sessions = section("sessions.toml", "session", include_str!("../../data/demo/sessions.toml"))?;
        let programs = section("programs.toml", "program", include_str!("../../data/demo/programs.toml"))?;
        let names = parse("names.toml", include_str!("../../data/demo/names.toml"))?;
        let organizations = parse("organizations.toml", include_str!("../../data/demo/organizations.toml"))?;
        let mut skills: Vec<String> = Vec::new();
        for skill in professions.iter().flat_map(|profession| &profession.skills) {
            if !skills.contains(skill) {
                skills.push(skill.clone());
            }
        }
        Ok(Self { districts, names, professions, organizations, sessions, programs, skills })
    }

    /// Returns the index of a skill in [`Lists::skills`].
    pub(super) fn skill(&self, name: &str) -> Option<usize> {
        self.skills.iter().position(|skill| skill == name)
    }
}

fn parse<T: DeserializeOwned>(list: &'static str, text: &str) -> Result<T, DemoError> {
    toml::from_str(text).map_err(|source| DemoError::List { list, source: Box::new(source) })
}

/// Parses a list that is one array of tables.
fn section<T: DeserializeOwned>(list: &'static str, key: &str, text: &str) -> Result<Vec<T>, DemoError> {
    let mut tables: std::collections::BTreeMap<String, Vec<T>> = parse(list, text)?;
    Ok(tables.remove(key).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Lists;
    use std::collections::BTreeSet;

    /// The event types of VMS, by member name.
    const EVENT_TYPES: &str = "IN_PERSON VIRTUAL_SESSION CONNECTOR_SESSION CAREER_JUMPING CAREER_SPEAKER \
        EMPLOYABILITY_SKILLS IGNITE CAREER_FAIR CLIENT_CONNECTED_PROJECT PATHWAY_CAMPUS_VISITS WORKPLACE_VISIT \
        PATHWAY_WORKPLACE_VISITS COLLEGE_OPTIONS DIA_CLASSROOM_SPEAKER DIA CAMPUS_VISIT ADVISORY_SESSIONS \
        VOLUNTEER_ORIENTATION VOLUNTEER_ENGAGEMENT MENTORING FINANCIAL_LITERACY MATH_RELAYS CLASSROOM_SPEAKER \
        INTERNSHIP COLLEGE_APPLICATION_FAIR FAFSA CLASSROOM_ACTIVITY HISTORICAL DATA_VIZ P2GD SLA HEALTHSTART \
        P2T BFI";

    #[test]
    fn every_industry_of_an_organization_has_a_profession() {
        let lists = Lists::load().unwrap();
        for industry in lists.organizations.kinds.iter().flat_map(|kind| &kind.industries) {
            assert!(
                lists.professions.iter().any(|profession| profession.industry == *industry),
                "{industry}"
            );
        }
    }

    #[test]
    fn programs_are_exactly_vmss_event_types() {
        let lists = Lists::load().unwrap();
        let named: BTreeSet<&str> = lists.programs.iter().map(|program| program.name.as_str()).collect();
        assert_eq!(named, EVENT_TYPES.split_whitespace().collect());
        assert_eq!(named.len(), lists.programs.len());
    }

    /// Lists are not empty: [`super::super::random::Random::pick`] relies on it.
    #[test]
    fn no_list_is_empty() {
        let lists = Lists::load().unwrap();
        assert!(!lists.districts.is_empty() && lists.districts.iter().all(|one| !one.schools.is_empty()));
        assert!(!lists.professions.is_empty() && lists.professions.iter().all(|one| !one.skills.is_empty()));
        assert!(lists.programs.iter().all(|one| !one.titles.is_empty() && !one.minutes.is_empty()));
        assert!(lists.programs.iter().any(|one| one.name.starts_with("DIA")));
        assert!(!lists.sessions.is_empty() && !lists.organizations.kinds.is_empty());
        assert!(!lists.organizations.heads.is_empty() && !lists.organizations.cities.is_empty());
        assert!(!lists.names.first.is_empty() && !lists.names.last.is_empty());
        assert!(!lists.names.subjects.is_empty());
    }
}
