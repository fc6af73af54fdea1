//! The shipped sample file: every key with its meaning and its default, and nothing set.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::DateTime;

use super::key::Fallback;
use super::settings::{Config, KEYS};
use super::surroundings::Surroundings;
use super::system_zone::SystemZone;
use super::{ConfigErrors, Overrides};

/// Path of VMS's database in every example.
const DATABASE: &str = "/srv/vms/instance/vms.db";

const HEAD: &str = "\
# Configuration of cached. Every key is here with its default, commented out; only database.url has to be set.
# A flag beats a variable (CACHED_<SECTION>_<KEY>), a variable beats this file, this file beats the default.
# After a change: systemctl reload cached (a mistake makes it fail, and changes nothing)
";

impl Config {
    /// Renders the sample, with the defaults that the service has in Chicago.
    pub fn sample() -> Result<String, ConfigErrors> {
        let directories =
            [("STATE", "/var/lib/cached"), ("LOGS", "/var/log/cached"), ("RUNTIME", "/run/cached")];
        let around = Surroundings {
            now: DateTime::UNIX_EPOCH,
            env: directories.map(|(name, path)| (format!("{name}_DIRECTORY"), path.to_owned())).into(),
            cwd: PathBuf::from("/"),
            uid: 999,
            system_zone: SystemZone::linked("America/Chicago"),
            default_file: PathBuf::new(),
        };
        let mut overrides = Overrides::default();
        overrides.set("--database", "database", "url", DATABASE);
        let config = Self::load(&overrides, &around)?;
        let mut page = HEAD.to_owned();
        let mut section = "";
        for (key, value) in KEYS.iter().zip(config.shown()) {
            if key.section != section {
                section = key.section;
                // Writing to a String cannot fail.
                let _ = writeln!(page, "\n[{section}]");
            }
            let value = value.map_or_else(|| "\"\"".to_owned(), |value| value.to_string());
            let note = match key.spec.fallback {
                Fallback::From(_) => " Default: that of the user and the system.",
                Fallback::Unset if key.section == "database" => " Required.",
                Fallback::Unset => " Not set by default.",
                Fallback::Text(_) => "",
            };
            let _ = writeln!(page, "#{doc}{note}\n# {name} = {value}", doc = key.doc, name = key.name);
        }
        Ok(page)
    }
}
