//! The raw values of file, environment and flags, before they are parsed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::file;
use super::key::{Key, Origin};
use super::nearest;
use super::setting::Kind;
use super::surroundings::Surroundings;
use super::text;

/// The variable that names the configuration file, as `--config` does.
pub(super) const CONFIG: &str = "CACHED_CONFIG";

/// With which every variable begins.
pub(super) const PREFIX: &str = "CACHED_";

/// The values that the command line sets.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The configuration file to read instead of the default one; it must exist.
    pub config: Option<PathBuf>,
    /// Whether only a file that is named is read, and none at the default path.
    pub only_named: bool,
    values: Vec<(&'static str, &'static str, &'static str, String)>,
}

impl Overrides {
    /// Sets one key, in the name of a flag such as `--database`. The last one wins.
    pub fn set(
        &mut self,
        flag: &'static str,
        section: &'static str,
        name: &'static str,
        value: impl Into<String>,
    ) {
        self.values.push((flag, section, name, value.into()));
    }
}

/// A value from one of the layers.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) text: String,
    /// The type in the file; values of flags and variables have no type.
    pub(super) kind: Option<Kind>,
    /// Whether it came from a source that no other user can read.
    pub(super) private: bool,
    pub(super) origin: Origin,
}

/// All layers, one on top of the other.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) given: BTreeMap<(&'static str, &'static str), Given>,
    pub(super) errors: Vec<ConfigError>,
    /// False when the file could not be read or parsed; true also when there is no file to read.
    pub(super) file_usable: bool,
}

impl Layers {
    pub(super) fn refuse(&mut self, key: &Key, value: String, origin: Origin, allowed: String) {
        self.errors.push(ConfigError::Invalid { key: key.full_name(), value, origin, allowed });
    }
}

/// Reads every layer, from the weakest to the strongest.
pub(super) fn collect(overrides: &Overrides, around: &Surroundings) -> Layers {
    let mut layers = Layers { given: BTreeMap::new(), errors: Vec::new(), file_usable: true };
    let variable = || around.variable(CONFIG).map(Path::new);
    let named = overrides.config.as_deref().or_else(variable).map(|path| around.absolute(path));
    if named.is_some() || !overrides.only_named {
        file::read(named.as_deref().unwrap_or(&around.default_file), named.is_some(), around, &mut layers);
    }
    variables(around, &mut layers);
    for (flag, section, name, value) in &overrides.values {
        let origin = Origin::Flag(flag);
        match nearest::find(section, name) {
            Some(key) => put(key, value, origin, &mut layers),
            None => layers.errors.push(ConfigError::UnknownKey {
                key: format!("{section}.{name}"),
                origin,
                nearest: nearest::key(section, name),
            }),
        }
    }
    layers
}

fn variables(around: &Surroundings, layers: &mut Layers) {
    let ours = around.env.iter().filter(|(name, _)| name.starts_with(PREFIX) && *name != CONFIG);
    for (name, value) in ours {
        let keys = nearest::by_variable(name);
        if keys.is_empty()
            && let Some(nearest) = nearest::variable(name)
        {
            layers.errors.push(ConfigError::UnknownVariable { name: text::shown(name), nearest });
        }
        for key in keys {
            variable(key, name, value, around, layers);
        }
    }
}

fn variable(key: &'static Key, name: &str, value: &str, around: &Surroundings, layers: &mut Layers) {
    let origin = Origin::Variable(text::shown(name));
    // As in other programs, an empty variable counts as not set, unless empty is a value that unsets or
    // switches off the key.
    if !value.is_empty() || (key.takes_empty)(around) {
        let other_name = layers.given.get(&(key.section, key.name)).filter(|given| given.text != value);
        if let Some(Origin::Variable(other)) = other_name.map(|given| &given.origin) {
            let allowed = format!("{other} says something else; keep one of the two");
            layers.refuse(key, format!("\"{}\"", text::shown(value)), origin, allowed);
        } else if key.is_secret() {
            let allowed = "secrets are never taken from the environment; write file:PATH or credential:NAME for \
                           this key into the configuration file";
            layers.refuse(key, text::HIDDEN.to_owned(), origin, allowed.to_owned());
        } else if value.contains(char::REPLACEMENT_CHARACTER) {
            let shown = if key.names_secret() {
                text::HIDDEN.to_owned()
            } else {
                format!("\"{}\"", text::shown(value))
            };
            layers.refuse(key, shown, origin, "must be valid UTF-8".to_owned());
        } else {
            put(key, value, origin, layers);
        }
    }
}

fn put(key: &'static Key, value: &str, origin: Origin, layers: &mut Layers) {
    let given = Given { text: value.to_owned(), kind: None, private: false, origin };
    layers.given.insert((key.section, key.name), given);
}
