//! Taking over a changed configuration while running.

use std::fmt;

use super::key::Key;
use super::settings::{Config, KEYS};
use super::text::HIDDEN;

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
            let id = (key.section, key.name);
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
