//! The properties of one key, apart from its type.

use std::fmt;
use std::path::PathBuf;

use super::surroundings::Surroundings;

/// One key of the configuration.
#[derive(Debug, Clone)]
pub struct Key {
    /// The section, for example `schedule`.
    pub section: &'static str,
    /// The key inside the section, for example `refresh_time`.
    pub name: &'static str,
    /// The meaning of the key.
    pub doc: &'static str,
    pub(super) spec: Spec,
    /// Whether an empty text is a valid value of the key.
    pub(super) takes_empty: fn(&Surroundings) -> bool,
}

impl Key {
    /// `section.name`, as messages write it.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The default as text; `None` when it depends on the user and the system, or when there is none.
    pub fn default_text(&self) -> Option<&'static str> {
        if let Fallback::Text(text) = self.spec.fallback { Some(text) } else { None }
    }

    /// Whether the key has no value by default.
    pub fn is_unset_by_default(&self) -> bool {
        matches!(self.spec.fallback, Fallback::Unset)
    }

    /// The environment variable that sets this key.
    pub fn variable(&self) -> String {
        format!("CACHED_{}_{}", self.section, self.name).to_ascii_uppercase()
    }

    /// Whether a change takes effect only after a restart.
    pub fn needs_restart(&self) -> bool {
        self.spec.restart
    }

    /// Whether the value is never printed and never taken from the environment.
    pub fn is_secret(&self) -> bool {
        self.spec.secrecy == Secrecy::Secret
    }

    /// Whether the value says where a secret is stored, so that a mistaken value may be the secret itself.
    pub(super) fn names_secret(&self) -> bool {
        self.spec.secrecy == Secrecy::Place
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The default: no source has set the value.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A command line flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// The default of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fallback {
    /// This text, parsed like any other.
    Text(&'static str),
    /// A text that depends on the user and on systemd's directories; `None` leaves the key without a value.
    From(fn(&Surroundings) -> Option<String>),
    /// No value: the key is optional.
    Unset,
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// The whole value.
    Open,
    /// The whole value, if it is a valid place of a secret.
    Place,
    /// Nothing.
    Secret,
}

/// The rules of a key that its type cannot express.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) fallback: Fallback,
    /// Lowest and highest value, both allowed.
    pub(super) bounds: Option<(&'static str, &'static str)>,
    pub(super) restart: bool,
    pub(super) secrecy: Secrecy,
}

/// A key with this default.
pub(super) const fn text(default: &'static str) -> Spec {
    Spec { fallback: Fallback::Text(default), bounds: None, restart: false, secrecy: Secrecy::Open }
}

/// A key whose default depends on the surroundings.
pub(super) const fn from(default: fn(&Surroundings) -> Option<String>) -> Spec {
    Spec { fallback: Fallback::From(default), bounds: None, restart: false, secrecy: Secrecy::Open }
}

/// A key without a default: optional if its type is an `Option`, required otherwise.
pub(super) const fn unset() -> Spec {
    Spec { fallback: Fallback::Unset, bounds: None, restart: false, secrecy: Secrecy::Open }
}

impl Spec {
    /// Limits the value; both ends are allowed.
    pub(super) const fn within(mut self, low: &'static str, high: &'static str) -> Self {
        self.bounds = Some((low, high));
        self
    }

    /// Makes a reload keep the running value.
    pub(super) const fn restart(mut self) -> Self {
        self.restart = true;
        self
    }

    /// Marks the value as a secret: never printed, and never taken from the environment.
    pub(super) const fn secret(mut self) -> Self {
        self.secrecy = Secrecy::Secret;
        self
    }

    /// Marks the value as the place of a secret.
    pub(super) const fn place(mut self) -> Self {
        self.secrecy = Secrecy::Place;
        self
    }
}
