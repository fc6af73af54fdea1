//! What a run takes from the configuration.

use std::path::PathBuf;

use chrono::TimeDelta;

use crate::config::Config;
use crate::reports::ReportSettings;
use crate::reports::district::{DistrictMapping, MappingError};
use crate::store::{Limits, LossLimits};

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
    /// The district mapping is of no use.
    #[error("districts.file: {origin}: {source}")]
    Districts {
        /// The file, or the built-in one.
        origin: String,
        /// Why.
        #[source]
        source: MappingError,
    },
}

/// What a run takes from the configuration, as of its start.
#[derive(Debug, Clone)]
pub struct RefreshConfig {
    /// VMS's SQLite file.
    pub database: PathBuf,
    /// How reports are made.
    pub settings: ReportSettings,
    /// How old entries may be.
    pub limits: Limits,
    /// From which loss on nothing is filled; none when that is switched off.
    pub guard: Option<LossLimits>,
}

impl RefreshConfig {
    /// Takes it from the configuration and the data files that it names.
    pub fn of(config: &Config) -> Result<Self, ConfigureError> {
        let districts =
            match &config.districts.file {
                None => DistrictMapping::embedded().map_err(|source| ConfigureError::Districts {
                    origin: "built-in mapping".to_owned(),
                    source,
                })?,
                Some(path) => {
                    let text = std::fs::read_to_string(path).map_err(|source| {
                        ConfigureError::Unreadable { key: "districts.file", path: path.clone(), source }
                    })?;
                    DistrictMapping::parse(&text).map_err(|source| ConfigureError::Districts {
                        origin: path.display().to_string(),
                        source,
                    })?
                }
            };
        let settings = ReportSettings {
            organization_reports_table: config.organization.reports_table,
            virtual_session_allow_scoped_users: config.virtual_session.allow_scoped_users,
            recent_window_keep_days: config.cache.prune_after_days.into(),
            ..ReportSettings::new(config.compat.mode, config.vms.timezone, districts)
        };
        let hours = |hours: u32| TimeDelta::hours(hours.into());
        let limits = Limits {
            max_age: hours(config.cache.max_cache_age_hours),
            refresh_after: hours(config.cache.refresh_after_hours),
        };
        let guard = &config.guard;
        let guard =
            guard.enabled.then_some(LossLimits { max_loss: guard.max_loss, min_rows: guard.min_rows });
        Ok(Self { database: config.database.url.as_path().to_owned(), settings, limits, guard })
    }
}
