//! The raw values of file, environment and flags, before they are parsed.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cached_present::place::INSTANCE;
use cached_proto::text::one_line;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, HIDDEN, shown};
use super::key::{Id, Key, Origin};
use super::process_environment::ProcessEnvironment;
use super::reader::Given;
use super::secret;
use super::setting::Kind;
use super::settings::{KEYS, find};
use crate::plain_file;

/// The variable that names the configuration file, as `--config` does.
const CONFIG: &str = "CACHED_CONFIG";

/// With which every variable begins.
const PREFIX: &str = "CACHED_";

/// Alternative names of variables, each with the key that it sets, as flags do.
const ALIASES: &[(&str, &str, &str)] = &[
    ("CACHED_SOCKET", "socket", "path"),
    ("CACHED_TIMEZONE", "schedule", "timezone"),
    ("CACHED_TIMEZONE", "vms", "timezone"),
];

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

/// All layers, one on top of the other.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) given: BTreeMap<Id, Given>,
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
pub(super) fn collect(overrides: &Overrides, environment: &ProcessEnvironment) -> Layers {
    let mut layers = Layers { given: BTreeMap::new(), errors: Vec::new(), file_usable: true };
    let variable = || environment.variable(CONFIG).map(Path::new);
    let named = overrides.config.as_deref().or_else(variable).map(|path| environment.absolute(path));
    if named.is_some() || !overrides.only_named {
        read_file(
            named.as_deref().unwrap_or(&environment.default_file),
            named.is_some(),
            environment,
            &mut layers,
        );
    }
    variables(environment, &mut layers);
    for (flag, section, name, value) in &overrides.values {
        let origin = Origin::Flag(flag);
        match find(section, name) {
            Some(key) => put(key, value, origin, &mut layers),
            None => layers.errors.push(ConfigError::UnknownKey {
                key: format!("{section}.{name}"),
                origin,
                nearest: nearest_key(section, name),
            }),
        }
    }
    layers
}

fn variables(environment: &ProcessEnvironment, layers: &mut Layers) {
    let ours = environment
        .env
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && ![CONFIG, INSTANCE].contains(&name.as_str()));
    for (name, value) in ours {
        let keys = by_variable(name);
        if keys.is_empty()
            && let Some(nearest) = nearest_variable(name)
        {
            layers.errors.push(ConfigError::UnknownVariable { name: shown(name), nearest });
        }
        for key in keys {
            variable(key, name, value, environment, layers);
        }
    }
}

fn variable(
    key: &'static Key,
    name: &str,
    value: &str,
    environment: &ProcessEnvironment,
    layers: &mut Layers,
) {
    let origin = Origin::Variable(shown(name));
    // As in other programs, an empty variable counts as not set, unless empty is a value that unsets or
    // switches off the key.
    if !value.is_empty() || (key.takes_empty)(environment) {
        let other_name = layers.given.get(&key.id()).filter(|given| given.text != value);
        if let Some(Origin::Variable(other)) = other_name.map(|given| &given.origin) {
            let allowed = format!("{other} has another value; keep one of the two");
            layers.refuse(key, format!("\"{}\"", shown(value)), origin, allowed);
        } else if key.is_secret() {
            let allowed = "secrets are never taken from the environment; write file:PATH or credential:NAME for \
                           this key into the configuration file";
            layers.refuse(key, HIDDEN.to_owned(), origin, allowed.to_owned());
        } else if value.contains(char::REPLACEMENT_CHARACTER) {
            let value = if key.names_secret() { HIDDEN.to_owned() } else { format!("\"{}\"", shown(value)) };
            layers.refuse(key, value, origin, "must be valid UTF-8".to_owned());
        } else {
            put(key, value, origin, layers);
        }
    }
}

fn put(key: &'static Key, value: &str, origin: Origin, layers: &mut Layers) {
    let given = Given { text: value.to_owned(), kind: None, private: false, origin };
    layers.given.insert(key.id(), given);
}

/// Adds the values of the file. A file that cannot be read or parsed is marked as unusable, because missing
/// keys cannot be reported then.
fn read_file(path: &Path, must_exist: bool, environment: &ProcessEnvironment, layers: &mut Layers) {
    match contents(path) {
        Ok((toml, private)) => File { path, toml: &toml, private, environment }.parse(layers),
        Err(source) if source.kind() == io::ErrorKind::NotFound && !must_exist => {}
        Err(source) => {
            layers.file_usable = false;
            layers.errors.push(ConfigError::ReadFile { path: path.to_owned(), source });
        }
    }
}

/// Returns the text, and whether only the owner can read it.
fn contents(path: &Path) -> io::Result<(String, bool)> {
    let mut file = plain_file::open(path)?;
    let private = secret::is_private(file.metadata()?.permissions().mode());
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, private))
}

struct File<'a> {
    path: &'a Path,
    toml: &'a str,
    private: bool,
    environment: &'a ProcessEnvironment,
}

impl File<'_> {
    fn parse(&self, layers: &mut Layers) {
        let (document, errors) = DeTable::parse_recoverable(self.toml);
        if !errors.is_empty() {
            layers.file_usable = false;
            layers.errors.extend(errors.iter().map(|error| self.syntax(error)));
            return;
        }
        for (section, value) in document.get_ref() {
            let name = section.get_ref().as_ref();
            let known = KEYS.iter().any(|key| key.section == name);
            match value.get_ref().as_table() {
                Some(table) if known => self.section(name, table, layers),
                Some(_) => layers.errors.push(ConfigError::UnknownSection {
                    section: shown(name),
                    origin: self.origin(section.span()),
                    nearest: nearest_section(name),
                }),
                None if known => layers.errors.push(ConfigError::Invalid {
                    key: name.to_owned(),
                    value: shown(&plain(value.get_ref()).1),
                    origin: self.origin(section.span()),
                    allowed: format!("must be a section; write [{name}] on a line of its own"),
                }),
                None => self.unknown("", section, layers),
            }
        }
    }

    fn section(&self, section: &str, table: &DeTable<'_>, layers: &mut Layers) {
        for (name, value) in table {
            let Some(key) = find(section, name.get_ref()) else {
                self.unknown(section, name, layers);
                continue;
            };
            let (kind, text) = plain(value.get_ref());
            let mut given =
                Given { text, kind: Some(kind), private: self.private, origin: self.origin(name.span()) };
            if key.is_secret() {
                match secret::resolve(&given.text, self.environment) {
                    Ok(None) => {}
                    Ok(Some(secret)) => given = Given { text: secret, private: true, ..given },
                    Err(allowed) => {
                        layers.refuse(key, HIDDEN.to_owned(), given.origin, allowed);
                        continue;
                    }
                }
            }
            layers.given.insert(key.id(), given);
        }
    }

    fn unknown(&self, section: &str, name: &Spanned<std::borrow::Cow<'_, str>>, layers: &mut Layers) {
        let given = name.get_ref().as_ref();
        let key = if section.is_empty() { given.to_owned() } else { format!("{section}.{given}") };
        layers.errors.push(ConfigError::UnknownKey {
            key: shown(&key),
            origin: self.origin(name.span()),
            nearest: nearest_key(section, given),
        });
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let (line, column) = self.position(error.span().map_or(0, |span| span.start));
        let message = one_line(error.message()).into_owned();
        ConfigError::Syntax { path: self.path.to_owned(), line, column, message }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::File { path: self.path.to_owned(), line: self.position(span.start).0 }
    }

    /// Returns the line and column of a byte offset, both counted from one.
    fn position(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.toml.len());
        while !self.toml.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.toml.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }
}

/// Converts the value to the text that a flag would have given, with the type that it has in the file.
fn plain(value: &DeValue<'_>) -> (Kind, String) {
    match value {
        DeValue::String(text) => (Kind::Text, text.clone().into_owned()),
        // An integer that is too large for this is too large for every key; its digits are enough for the
        // message.
        DeValue::Integer(number) => (
            Kind::Integer,
            i128::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| number.to_string(), |number| number.to_string()),
        ),
        DeValue::Float(number) => (Kind::Number, number.as_str().to_owned()),
        DeValue::Boolean(yes) => (Kind::Boolean, yes.to_string()),
        // TOML has times of day: `refresh_time = 02:00` needs no quotes.
        DeValue::Datetime(time) => (Kind::Text, time.to_string()),
        DeValue::Array(items) => {
            let parts: Vec<_> = items.iter().map(|item| plain(item.get_ref())).collect();
            let texts = parts.iter().all(|(kind, _)| *kind == Kind::Text);
            let joined = parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",");
            if texts { (Kind::List, joined) } else { (Kind::Other, format!("[{joined}]")) }
        }
        DeValue::Table(_) => (Kind::Other, "{…}".to_owned()),
    }
}

/// Returns the keys that a variable sets; empty when the variable is unknown.
fn by_variable(variable: &str) -> Vec<&'static Key> {
    let aliases = ALIASES.iter().filter(|(alias, ..)| *alias == variable);
    let keys = KEYS.iter().filter(|key| key.variable() == variable);
    aliases.filter_map(|(_, section, name)| find(section, name)).chain(keys).collect()
}

/// Returns the full name of the most similar key.
fn nearest_key(section: &str, name: &str) -> String {
    let given = format!("{section}.{name}");
    let score = |key: &Key| {
        // The right name in the wrong section counts for more than similarity of the full name.
        let in_another_section = 0.9 * strsim::normalized_damerau_levenshtein(name, key.name);
        strsim::normalized_damerau_levenshtein(&given, &key.full_name()).max(in_another_section)
    };
    best(KEYS.iter().map(|key| (score(key), key.full_name())))
}

/// Returns the most similar section.
fn nearest_section(given: &str) -> String {
    best(
        KEYS.iter()
            .map(|key| (strsim::normalized_damerau_levenshtein(given, key.section), key.section.to_owned())),
    )
}

/// Below this similarity a variable is taken for another program's, such as a script's `CACHED_HOME`.
const SIMILAR: f64 = 0.6;

/// Returns the variable that was probably meant: the most similar one, if it is similar at all or if `given` begins
/// with a section.
fn nearest_variable(given: &str) -> Option<String> {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let aliases = ALIASES.iter().map(|(alias, ..)| (*alias).to_owned());
    let names = KEYS.iter().map(Key::variable).chain(aliases).chain([CONFIG, INSTANCE].map(str::to_owned));
    let score = |name: &str| strsim::normalized_damerau_levenshtein(&bare(given), &bare(name));
    let nearest = best(names.map(|name| (score(&name), name)));
    let in_section = KEYS.iter().any(|key| {
        bare(given).strip_prefix(&key.section.to_ascii_uppercase()).is_some_and(|key| key.starts_with('_'))
    });
    (in_section || score(&nearest) >= SIMILAR).then_some(nearest)
}

/// Returns the first of the best candidates.
fn best(candidates: impl Iterator<Item = (f64, String)>) -> String {
    let better = |a: (f64, String), b: (f64, String)| if b.0 > a.0 { b } else { a };
    candidates.reduce(better).map(|(_, name)| name).unwrap_or_default()
}
