//! What a run takes from the configuration.

use std::path::PathBuf;

use crate::reports::ReportSettings;
use crate::store::Limits;

/// What a run takes from the configuration, as of its start.
#[derive(Debug, Clone)]
pub struct RefreshConfig {
    /// VMS's SQLite file.
    pub database: PathBuf,
    /// How reports are made.
    pub settings: ReportSettings,
    /// How old entries may be.
    pub limits: Limits,
}
