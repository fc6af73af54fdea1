//! Configuration: file, environment and flags, validated as a whole.
//!
//! The module `settings` declares every key once (section, type, default, limits, whether it needs a restart);
//! reading the file, naming the variables, suggesting the nearest known key, printing and reloading all
//! follow from that one table. A flag beats a variable, a variable beats the file, the file beats the default.

mod check;
mod defaults;
mod error;
mod file;
mod key;
mod layers;
mod nearest;
mod reader;
mod reload;
mod render;
mod sample;
mod secret;
mod setting;
mod settings;
mod surroundings;
mod table;
mod text;
mod value;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors};
pub use key::{Key, Origin};
pub use layers::Overrides;
pub use reload::{Changed, RestartNeeded};
pub use settings::{
    Cache, Compat, Config, Database, Districts, Guard, Http, Log, Maintenance, Notify, Organization,
    Recruitment, Retry, Schedule, Socket, State, Targets, VirtualSession, Vms, Watch,
};
pub use surroundings::{DEFAULT_FILE, Surroundings};
pub use value::{
    ByteSize, CommandLine, CookieName, CronExpr, DatabasePath, HostName, LogLevel, Mode, Network, SecretFile,
    Url, WebOrigin,
};

use reader::Reader;

impl Config {
    /// Reads all layers and validates the result as a whole.
    ///
    /// # Errors
    /// Everything that is wrong, in one go: unreadable file, syntax, unknown and invalid keys, contradictions.
    pub fn load(overrides: &Overrides, around: &Surroundings) -> Result<Self, ConfigErrors> {
        let layers = layers::collect(overrides, around);
        let mut reader = Reader::new(&layers.given, around, layers.errors, layers.file_usable);
        let config = Self::read(&mut reader);
        if let (Some(config), true) = (&config, layers.file_usable) {
            check::all(config, &mut reader);
        }
        let errors = reader.into_errors();
        config.filter(|_| errors.is_empty()).ok_or_else(|| ConfigErrors::new(errors))
    }

    /// Where the value of a key came from; keys that nothing set are [`Origin::Default`].
    pub fn origin(&self, section: &str, name: &str) -> &Origin {
        let key = nearest::find(section, name);
        key.and_then(|key| self.origins.get(&(key.section, key.name))).unwrap_or(&Origin::Default)
    }

    /// Every key there is, in the order of the documentation.
    pub fn keys() -> &'static [Key] {
        settings::KEYS
    }
}
