//! The part of the configuration that a run uses.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::config::Config;
use crate::jobs::RetryPolicy;
use crate::plain_file;
use crate::reports::district::{DistrictMapping, MappingError};
use crate::reports::recruitment::{Keywords, KeywordsError};
use crate::reports::{ReportSettings, Reports, report};
use crate::store::{AgeLimits, Freshness, LossLimits, Stamps};
use crate::vms::Gateway;
use crate::vms::tables::{Table, spec};

/// Why the reports cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// A data file cannot be read.
    #[error("{key}: {path} cannot be read: {source}", path = .path.display())]
    Unreadable {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The district mapping is invalid.
    #[error("districts.file: {origin}: {source}")]
    Districts {
        /// The file, or the built-in one.
        origin: String,
        /// Why.
        #[source]
        source: MappingError,
    },
    /// The keywords are invalid.
    #[error("recruitment.keywords_file: {origin}: {source}")]
    Keywords {
        /// The file, or the built-in one.
        origin: String,
        /// Why.
        #[source]
        source: KeywordsError,
    },
}

/// The part of the configuration that a run uses, as of its start.
#[derive(Debug, Clone)]
pub struct RefreshConfig {
    /// The way to VMS's database.
    pub vms: Gateway,
    /// Settings of the reports.
    pub settings: ReportSettings,
    /// Age limits of entries.
    pub limits: AgeLimits,
    /// How often and how soon a failed table is retried.
    pub retry: RetryPolicy,
    /// Limits of a loss above which no table is filled; `None` if the guard is disabled.
    pub guard: Option<LossLimits>,
    /// The report that fills a table.
    pub reports: Reports,
    /// The zone in which a scheduled run records that tables were wiped before it; `None` if the watch is
    /// disabled.
    pub wipe_zone: Option<Tz>,
    /// How long a lost district row is left to VMS, which may be computing it.
    pub district_grace: Duration,
    /// In how many days a scheduled run computes every entry of a table once, at least 1.
    pub deep_check_days: u32,
}

impl RefreshConfig {
    /// The freshness criteria at `now` for the rows of a table, which were last recorded as `stamps`.
    pub fn freshness<'a>(&self, table: Table, now: DateTime<Utc>, stamps: &'a Stamps) -> Freshness<'a> {
        Freshness {
            spec: spec(table),
            limits: self.limits,
            zone: self.settings.zone,
            now,
            stamps,
            fingerprint: self.settings.fingerprint(table),
        }
    }

    /// Builds it from the configuration and the data files that it names.
    pub fn of(config: &Config) -> Result<Self, ConfigureError> {
        let districts = data_file(
            "districts.file",
            config.districts.file.as_deref(),
            DistrictMapping::embedded,
            DistrictMapping::parse,
            |origin, source| ConfigureError::Districts { origin, source },
        )?;
        let keywords = data_file(
            "recruitment.keywords_file",
            config.recruitment.keywords_file.as_deref(),
            Keywords::embedded,
            Keywords::parse,
            |origin, source| ConfigureError::Keywords { origin, source },
        )?;
        let settings = ReportSettings {
            include_recent: config.recruitment.include_recent,
            keep_days: config.recruitment.keep_days.into(),
            organization_reports_table: config.organization.reports_table,
            virtual_session_allow_scoped_users: config.virtual_session.allow_scoped_users,
            recent_window_keep_days: config.cache.prune_after_days.into(),
            ..ReportSettings::new(config.compat.mode, config.vms.timezone, districts, keywords)
        };
        let hours = |hours: u32| TimeDelta::hours(hours.into());
        let limits = AgeLimits {
            max_age: hours(config.cache.max_cache_age_hours),
            refresh_after: hours(config.cache.refresh_after_hours),
            // The key's value is at most half a day.
            tolerance: TimeDelta::from_std(config.cache.top_up_tolerance).unwrap_or_default(),
        };
        let retry = RetryPolicy {
            attempts: config.retry.attempts,
            base_delay: config.retry.base_delay,
            max_delay: config.retry.max_delay,
        };
        let guard = &config.guard;
        let guard =
            guard.enabled.then_some(LossLimits { max_loss: guard.max_loss, min_rows: guard.min_rows });
        let vms = Gateway::new(config.database.url.as_path());
        let wipe_zone = config.watch.enabled.then_some(config.schedule.timezone);
        Ok(Self {
            vms,
            settings,
            limits,
            retry,
            guard,
            reports: report,
            wipe_zone,
            district_grace: config.cache.district_grace,
            deep_check_days: config.cache.deep_check_days,
        })
    }
}

/// Parses the file of a configuration key, or the built-in data if there is no file.
fn data_file<T, E>(
    key: &'static str,
    file: Option<&Path>,
    built_in: impl FnOnce() -> Result<T, E>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    refuse: impl FnOnce(String, E) -> ConfigureError,
) -> Result<T, ConfigureError> {
    let Some(path) = file else {
        return built_in().map_err(|source| refuse("built-in file".to_owned(), source));
    };
    let text = plain_file::read(path).map_err(|source| ConfigureError::Unreadable {
        key,
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|source| refuse(path.display().to_string(), source))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use super::*;

    fn keywords(file: &Path) -> Result<Keywords, ConfigureError> {
        let refuse = |origin, source| ConfigureError::Keywords { origin, source };
        let key = "recruitment.keywords_file";
        data_file(key, Some(file), Keywords::embedded, Keywords::parse, refuse)
    }

    #[test]
    fn an_unusable_data_file_is_reported_with_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keywords.toml");
        let message = |expected: &str| {
            let error = keywords(&file).unwrap_err().to_string();
            let start = format!("recruitment.keywords_file: {}", file.display());
            assert!(error.starts_with(&start) && error.contains(expected), "{error}");
        };
        message("cannot be read");
        std::fs::write(&file, "schema_version = 7").unwrap();
        message("schema_version is 7");
    }

    #[test]
    fn a_data_file_replaces_the_built_in_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keywords.toml");
        let text = include_str!("../../data/recruitment_keywords.toml");
        std::fs::write(&file, text.replacen("max_title_hits = 3", "max_title_hits = 4", 1)).unwrap();
        assert_ne!(keywords(&file).unwrap(), Keywords::embedded().unwrap());
        std::fs::write(&file, text).unwrap();
        assert_eq!(keywords(&file).unwrap(), Keywords::embedded().unwrap());
    }
}
