//! Parses texts into typed values, and collects every error on the way.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use cached_present::place::Instance;
use chrono::{DateTime, Utc};

use super::error::{ConfigError, HIDDEN, shown};
use super::key::{Fallback, Id, Key, Origin, Origins};
use super::process_environment::{ProcessEnvironment, guessed_zone};
use super::secret::is_place;
use super::setting::{Kind, Setting};

/// Placeholder for a value that could not be read, so that the rest can still be checked. It never leaves
/// this module's caller, because an error has been recorded.
const PLACEHOLDER: &str = "/-";

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

/// Reads keys one by one.
pub(super) struct Reader<'a> {
    given: &'a BTreeMap<Id, Given>,
    environment: &'a ProcessEnvironment,
    errors: Vec<ConfigError>,
    bad: BTreeSet<Id>,
    report_missing: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        given: &'a BTreeMap<Id, Given>,
        environment: &'a ProcessEnvironment,
        errors: Vec<ConfigError>,
        report_missing: bool,
    ) -> Self {
        Self { given, environment, errors, bad: BTreeSet::new(), report_missing }
    }

    /// Reads the value of a key: the given one, else its default. After an error it returns a placeholder,
    /// and the key counts as bad.
    pub(super) fn read<T: Setting>(&mut self, key: &'static Key) -> Option<T> {
        if let Some(given) = self.given.get(&key.id()) {
            match self.accept::<T>(key, given) {
                Ok(value) => return Some(value),
                Err(allowed) => self.refuse(key, allowed),
            }
        }
        let fallback = match key.spec.fallback {
            Fallback::Text(text) => Some(text.to_owned()),
            Fallback::From(make) => make(self.environment),
            Fallback::Unset => None,
        };
        match fallback {
            Some(text) => match T::parse(&text, self.environment) {
                Ok(value) => Some(value),
                Err(allowed) => {
                    self.refuse(key, allowed);
                    None
                }
            },
            None => T::absent().or_else(|| self.missing(key)),
        }
    }

    fn accept<T: Setting>(&self, key: &Key, given: &Given) -> Result<T, String> {
        if let Some(kind) = given.kind.filter(|kind| !T::KIND.accepts(*kind)) {
            // A list may be a single text, as in a variable.
            if (T::KIND, kind) != (Kind::List, Kind::Text) {
                return Err(T::KIND.expected().to_owned());
            }
        }
        let value = T::parse(&given.text, self.environment)?;
        if let Some((low, high)) = key.spec.bounds {
            let at_least =
                |limit: &T| matches!(value.compare(limit), Some(Ordering::Greater | Ordering::Equal));
            let at_most = |limit: &T| matches!(value.compare(limit), Some(Ordering::Less | Ordering::Equal));
            if !at_least(&T::parse(low, self.environment)?) || !at_most(&T::parse(high, self.environment)?) {
                return Err(format!("must be from {low} to {high}"));
            }
        }
        if value.carries_secret() && !given.private {
            return Err(match &given.origin {
                Origin::File { path, .. } => {
                    format!("holds a credential that others may read; run chmod 600 {}", path.display())
                }
                _ => "holds a credential; put it into a configuration file with mode 0600".to_owned(),
            });
        }
        Ok(value)
    }

    fn missing<T: Setting>(&mut self, key: &'static Key) -> Option<T> {
        let unsaid = self.bad.insert(key.id());
        if unsaid && self.report_missing {
            let (flag, name, variable) = (flag_of(key), key.full_name(), key.variable());
            let ProcessEnvironment { instance, default_file, .. } = self.environment;
            // An instance without a file is likely a mistyped name.
            let file = match instance.name() {
                Some(_) => shown(&default_file.to_string_lossy()),
                None => "the configuration file".to_owned(),
            };
            let how = format!(
                "give {flag}, set the variable {variable}, or write {} = \"…\" below [{}] in {file}",
                key.name, key.section
            );
            self.errors.push(ConfigError::Missing { key: name, how });
        }
        T::parse(PLACEHOLDER, self.environment).ok()
    }

    /// Records that the value of a key is not allowed.
    pub(super) fn refuse(&mut self, key: &'static Key, allowed: String) {
        let given = self.given.get(&key.id());
        let value = match given {
            Some(_) if key.is_secret() => HIDDEN.to_owned(),
            Some(given) if key.names_secret() && !is_place(&given.text, self.environment) => {
                HIDDEN.to_owned()
            }
            Some(Given { text, kind: None | Some(Kind::Text), .. }) => format!("\"{}\"", shown(text)),
            Some(given) => shown(&given.text),
            None => match key.spec.fallback {
                Fallback::Text(text) => text.to_owned(),
                Fallback::From(make) => {
                    format!("\"{}\"", shown(&make(self.environment).unwrap_or_default()))
                }
                Fallback::Unset => "nothing".to_owned(),
            },
        };
        let origin = given.map_or(Origin::Default, |given| given.origin.clone());
        self.bad.insert(key.id());
        self.errors.push(ConfigError::Invalid { key: key.full_name(), value, origin, allowed });
    }

    /// Whether a key has a value of its own that was read without an error.
    pub(super) fn is_good(&self, section: &str, name: &str) -> bool {
        !self.bad.iter().any(|bad| *bad == (section, name))
    }

    /// Returns what set a key; `None` if it has its default.
    pub(super) fn origin(&self, section: &str, name: &str) -> Option<&Origin> {
        let mut given = self.given.iter();
        given.find(|(id, _)| **id == (section, name)).map(|(_, given)| &given.origin)
    }

    pub(super) fn origins(&self) -> Origins {
        self.given.iter().map(|(key, given)| (*key, given.origin.clone())).collect()
    }

    /// When the configuration is read.
    pub(super) const fn now(&self) -> DateTime<Utc> {
        self.environment.now
    }

    /// Why the zone of VMS may be another than the guessed one; `None` where it is set.
    pub(super) fn instance(&self) -> Instance {
        self.environment.instance.clone()
    }

    pub(super) fn zone_warning(&self) -> Option<String> {
        let is_set = self.origin("vms", "timezone").is_some();
        if is_set { None } else { guessed_zone(self.environment).1 }
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }
}

/// The flag that sets a key without a usable default.
fn flag_of(key: &Key) -> &'static str {
    match key.section {
        "database" => "--database PATH",
        "state" => "--state PATH",
        _ => "--socket PATH",
    }
}
