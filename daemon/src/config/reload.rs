//! Taking over a changed configuration while running.

use std::fmt;

use super::settings::{Config, KEYS};

/// A change that takes effect only after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartNeeded {
    /// Full name of the key.
    pub key: String,
    /// The value that stays in effect.
    pub running: String,
    /// The value that waits for the restart.
    pub wanted: String,
}

impl fmt::Display for RestartNeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, running, wanted } = self;
        write!(f, "{key} stays {running} until cached is restarted; the configuration now says {wanted}")
    }
}

impl Config {
    /// The new configuration, with the running values of the keys that cannot change without a restart.
    pub fn reload(&self, new: Self) -> (Self, Vec<RestartNeeded>) {
        let values = self.shown().into_iter().zip(new.shown());
        let mut merged = new;
        let mut waiting = Vec::new();
        for (key, (running, wanted)) in KEYS.iter().zip(values).filter(|(key, _)| key.needs_restart()) {
            if running == wanted {
                continue;
            }
            merged.copy_value(self, key.section, key.name);
            let id = (key.section, key.name);
            merged.origins.remove(&id);
            merged.origins.extend(self.origins.get(&id).map(|origin| (id, origin.clone())));
            let text = |value: Option<toml::Value>| {
                value.map_or_else(|| "off".to_owned(), |value| value.to_string())
            };
            waiting.push(RestartNeeded {
                key: key.full_name(),
                running: text(running),
                wanted: text(wanted),
            });
        }
        (merged, waiting)
    }
}
