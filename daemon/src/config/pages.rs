//! The configuration as text: in effect, as the shipped sample, and what a reload changes.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use cached_present::place::Instance;
use cached_proto::text::one_line;
use chrono::DateTime;

use super::error::{ConfigErrors, HIDDEN};
use super::key::{Fallback, Key};
use super::layers::Overrides;
use super::process_environment::ProcessEnvironment;
use super::settings::{Config, KEYS};
use super::system_zone::SystemZone;

/// Path of VMS's database in every example.
const DATABASE: &str = "/srv/vms/instance/vms.db";

const HEAD: &str = "\
# Configuration of cached. Every key is here with its default, commented out; only database.url has to be set.
# A flag beats a variable (CACHED_<SECTION>_<KEY>), a variable beats this file, this file beats the default.
# After a change: systemctl reload cached (a mistake makes it fail, and the running configuration stays in effect)
";

/// A change that takes effect only after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartNeeded {
    /// Full name of the key.
    pub key: String,
    /// The value that stays in effect; `None` for no value.
    pub running: Option<String>,
    /// The value that waits for the restart; `None` for no value.
    pub wanted: Option<String>,
}

/// A change that takes effect at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Full name of the key.
    pub key: String,
    /// The value that was in effect; `None` for no value.
    pub from: Option<String>,
    /// The value that is in effect now; `None` for no value.
    pub to: Option<String>,
}

impl fmt::Display for RestartNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, running, wanted } = self;
        let [running, wanted] = [running, wanted].map(|value| value.as_deref().unwrap_or("off"));
        write!(f, "{key} stays {running} until cached is restarted; the configuration now says {wanted}")
    }
}

impl Config {
    /// The effective configuration as TOML, each value with a comment that says where it came from.
    /// Secrets are hidden; keys that have no effect are commented out.
    pub fn render(&self) -> String {
        let page = self.page(|key, value| {
            let value = match value {
                Some(_) if key.is_secret() => format!("\"{HIDDEN}\""),
                Some(value) => one_line(&value.to_string()).into_owned(),
                None => "\"\"".to_owned(),
            };
            let mark = if self.is_replaced_by_cron(key) { "# " } else { "" };
            let origin = self.origin(key.section, key.name).to_string();
            format!("{mark}{} = {value} # {}\n", key.name, one_line(&origin))
        });
        page.trim_start().to_owned()
    }

    /// The sections with their keys, each as `line` writes it.
    fn page(&self, line: impl Fn(&Key, Option<toml::Value>) -> String) -> String {
        let (mut page, mut section) = (String::new(), "");
        for (key, value) in KEYS.iter().zip(self.shown()) {
            if key.section != section {
                section = key.section;
                // Writing to a String cannot fail.
                let _ = write!(page, "\n[{section}]\n");
            }
            page.push_str(&line(key, value));
        }
        page
    }

    fn is_replaced_by_cron(&self, key: &Key) -> bool {
        self.schedule.cron.is_some()
            && key.section == "schedule"
            && matches!(key.name, "refresh_time" | "refresh_interval_hours")
    }

    /// Renders the sample, with the defaults that the service has in Chicago.
    pub fn sample() -> Result<String, ConfigErrors> {
        let directories =
            [("STATE", "/var/lib/cached"), ("LOGS", "/var/log/cached"), ("RUNTIME", "/run/cached")];
        let environment = ProcessEnvironment {
            now: DateTime::UNIX_EPOCH,
            env: directories.map(|(name, path)| (format!("{name}_DIRECTORY"), path.to_owned())).into(),
            cwd: PathBuf::from("/"),
            uid: 999,
            instance: Instance::default(),
            system_zone: SystemZone::linked("America/Chicago"),
            default_file: PathBuf::new(),
        };
        let mut overrides = Overrides::default();
        overrides.set("--database", "database", "url", DATABASE);
        let config = Self::load(&overrides, &environment)?;
        let keys = config.page(|key, value| {
            let value = value.map_or_else(|| "\"\"".to_owned(), |value| value.to_string());
            let note = match key.spec.fallback {
                Fallback::Unset if key.section == "database" => " Required.",
                Fallback::Unset => " Not set by default.",
                // The doc comment of a key with such a default says what it depends on.
                Fallback::From(_) | Fallback::Text(_) => "",
            };
            format!("#{doc}{note}\n# {name} = {value}\n", doc = key.doc, name = key.name)
        });
        Ok(format!("{HEAD}{keys}"))
    }

    /// The new configuration, with the running values of the keys that cannot change without a restart.
    pub fn reload(&self, new: Self) -> (Self, Vec<RestartNeeded>) {
        let values = self.shown().into_iter().zip(new.shown()).zip(self.same(&new));
        let mut merged = new;
        let mut waiting = Vec::new();
        for (key, ((running, wanted), same)) in KEYS.iter().zip(values).filter(|(key, _)| key.needs_restart())
        {
            if same {
                continue;
            }
            merged.copy_value(self, key.section, key.name);
            let id = key.id();
            merged.origins.remove(&id);
            merged.origins.extend(self.origins.get(&id).map(|origin| (id, origin.clone())));
            let [running, wanted] = [running, wanted].map(|value| text(key, value));
            waiting.push(RestartNeeded { key: key.full_name(), running, wanted });
        }
        (merged, waiting)
    }

    /// Returns the keys that have another value in `new`. Secrets are hidden; where the visible value is
    /// unchanged, the entry says that the contents are new.
    pub fn changes(&self, new: &Self) -> Vec<Changed> {
        let values = self.shown().into_iter().zip(new.shown());
        let changed = KEYS.iter().zip(values).zip(self.same(new)).filter(|(_, same)| !same);
        changed
            .map(|((key, (from, to)), _)| {
                let (from, mut to) = (text(key, from), text(key, to));
                if from == to {
                    to = to.map(|to| format!("{to} (with new contents)"));
                }
                Changed { key: key.full_name(), from, to }
            })
            .collect()
    }
}

fn text(key: &Key, value: Option<toml::Value>) -> Option<String> {
    value.map(|value| if key.is_secret() { HIDDEN.to_owned() } else { value.to_string() })
}
