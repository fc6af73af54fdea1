//! Configuration: file, environment and flags, validated as a whole.
//!
//! The module `settings` declares every key once (section, type, default, limits, whether it needs a restart);
//! reading the file, naming the variables, suggesting the nearest known key, printing and reloading all
//! follow from that one table. A flag beats a variable, a variable beats the file, the file beats the default.

mod check;
mod cron_expr;
mod error;
mod key;
mod layers;
mod pages;
mod process_environment;
mod reader;
mod secret;
mod setting;
mod settings;
mod system_zone;
mod value;
mod web;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests;

pub use cached_present::place::Instance;
pub use cron_expr::CronExpr;
pub use error::{ConfigError, ConfigErrors};
pub use key::{Key, Origin};
pub use layers::Overrides;
pub use pages::{Changed, RestartNeeded};
pub use process_environment::ProcessEnvironment;
pub use secret::SecretFile;
pub use settings::{
    Cache, Compat, Config, Database, Districts, Guard, Http, Log, Maintenance, Notify, Organization,
    Recruitment, Retry, Schedule, Socket, State, Targets, VirtualSession, Vms, Watch,
};
pub use system_zone::{Localtime, SystemZone};
pub use value::{ByteSize, CommandLine, DatabasePath, LogLevel, Mode, Recipients, WebhookFormat};
pub use web::{CookieName, HostName, Network, Url, WebOrigin};

use reader::Reader;

impl Config {
    /// Reads all layers and validates the result as a whole.
    ///
    /// # Errors
    /// Returns all errors at once: unreadable file, syntax, unknown and invalid keys, contradictions.
    pub fn load(overrides: &Overrides, environment: &ProcessEnvironment) -> Result<Self, ConfigErrors> {
        let (config, errors) = Self::load_all(overrides, environment);
        config.filter(|_| errors.is_empty()).ok_or_else(|| ConfigErrors::new(errors))
    }

    /// Loads the configuration for checking only: outside of the service there are no systemd credentials, so
    /// a key that names one is left without a value. The second part of the result names those keys.
    ///
    /// # Errors
    /// As [`Config::load`], except for those keys.
    pub fn load_to_check(
        overrides: &Overrides,
        environment: &ProcessEnvironment,
    ) -> Result<(Self, Vec<String>), ConfigErrors> {
        let (config, errors) = Self::load_all(overrides, environment);
        let (unjudged, errors): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(ConfigError::is_without_credentials);
        let unjudged = unjudged.iter().filter_map(|error| error.key().map(str::to_owned)).collect();
        match config {
            Some(config) if errors.is_empty() => Ok((config, unjudged)),
            _ => Err(ConfigErrors::new(errors)),
        }
    }

    fn load_all(overrides: &Overrides, environment: &ProcessEnvironment) -> (Option<Self>, Vec<ConfigError>) {
        let layers = layers::collect(overrides, environment);
        let mut reader = Reader::new(&layers.given, environment, layers.errors, layers.file_usable);
        let config = Self::read(&mut reader);
        if let (Some(config), true) = (&config, layers.file_usable) {
            check::all(config, &mut reader);
        }
        (config, reader.into_errors())
    }

    /// Returns where the value of a key came from; keys that have their default return [`Origin::Default`].
    pub fn origin(&self, section: &str, name: &str) -> &Origin {
        let key = settings::find(section, name);
        key.and_then(|key| self.origins.get(&key.id())).unwrap_or(&Origin::Default)
    }

    /// Why the guessed `vms.timezone` may not be the zone that VMS runs in; `None` where the key is set.
    pub fn zone_warning(&self) -> Option<String> {
        let (zone, reason) = (self.vms.timezone, self.zone_warning.as_ref()?);
        Some(format!("vms.timezone is not set and guessed to be {zone}, but {reason}"))
    }

    /// Whose configuration this is, for what tells the daemons of one machine apart.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Returns every key, in the order of the documentation.
    pub fn keys() -> &'static [Key] {
        settings::KEYS
    }
}
