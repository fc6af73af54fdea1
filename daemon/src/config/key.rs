//! What one key is, and the macro that makes the typed sections, and everything that iterates over the keys, of
//! one declaration of all keys.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::process_environment::ProcessEnvironment;

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
    pub(super) takes_empty: fn(&ProcessEnvironment) -> bool,
}

impl Key {
    /// `section.name`, as messages write it.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    pub(super) fn id(&self) -> Id {
        (self.section, self.name)
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

/// Section and name of a key.
pub(super) type Id = (&'static str, &'static str);

/// Each key that something set, with what set it.
pub(super) type Origins = BTreeMap<Id, Origin>;

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
    From(fn(&ProcessEnvironment) -> Option<String>),
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

/// A key whose default depends on the environment.
pub(super) const fn from(default: fn(&ProcessEnvironment) -> Option<String>) -> Spec {
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

/// Declares sections and keys: `section: Struct { key: Type = spec; … }`, each with a doc comment.
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $( $(#[doc = $doc:literal])+ $key:ident: $Type:ty = $spec:expr; )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $( $(#[doc = $doc])+ pub $key: $Type, )+
            }
        )+

        /// The whole configuration, valid in itself.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Config {
            $( $(#[doc = $section_doc])+ pub $section: $Section, )+
            pub(super) origins: Origins,
            pub(super) zone_warning: Option<String>,
            pub(super) instance: Instance,
        }

        /// Every key, in the order of its declaration.
        pub(super) static KEYS: &[Key] = &[
            $( $( Key {
                section: stringify!($section),
                name: stringify!($key),
                doc: concat!($($doc),+),
                spec: $spec,
                takes_empty: |environment| <$Type as Setting>::parse("", environment).is_ok(),
            }, )+ )+
        ];

        impl Config {
            /// Reads every key before it returns, so that all errors are found.
            pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                let mut keys = KEYS.iter();
                $(
                    $( let $key = keys.next().and_then(|key| reader.read::<$Type>(key)); )+
                    let $section = (|| Some($Section { $( $key: $key?, )+ }))();
                )+
                Some(Self {
                    $( $section: $section?, )+
                    origins: reader.origins(),
                    zone_warning: reader.zone_warning(),
                    instance: reader.instance(),
                })
            }

            /// The values as TOML, in the order of [`KEYS`]; `None` where an optional key has no value.
            pub(super) fn shown(&self) -> Vec<Option<toml::Value>> {
                vec![ $( $( Setting::show(&self.$section.$key), )+ )+ ]
            }

            /// Whether each value equals that of another configuration, in the order of [`KEYS`]. Includes
            /// values that are not shown, such as the contents of a secret's file.
            pub(super) fn same(&self, other: &Self) -> Vec<bool> {
                vec![ $( $( PartialEq::eq(&self.$section.$key, &other.$section.$key), )+ )+ ]
            }

            /// Copies the value of one key from another configuration.
            pub(super) fn copy_value(&mut self, from: &Self, section: &str, name: &str) {
                match (section, name) {
                    $( $(
                        (stringify!($section), stringify!($key)) => {
                            self.$section.$key.clone_from(&from.$section.$key);
                        }
                    )+ )+
                    _ => {}
                }
            }
        }
    };
}

pub(super) use settings;
