//! The configuration file.

use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::key::Origin;
use super::layers::{Given, Layers};
use super::nearest;
use super::secret;
use super::setting::Kind;
use super::surroundings::Surroundings;
use super::text;
use crate::plain_file;

/// Adds the values of the file. A file that cannot be read or parsed is marked as unusable, because missing
/// keys cannot be reported then.
pub(super) fn read(path: &Path, must_exist: bool, around: &Surroundings, layers: &mut Layers) {
    match contents(path) {
        Ok((toml, private)) => File { path, toml: &toml, private, around }.parse(layers),
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
    around: &'a Surroundings,
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
            let known = super::settings::KEYS.iter().any(|key| key.section == name);
            match value.get_ref().as_table() {
                Some(table) if known => self.section(name, table, layers),
                Some(_) => layers.errors.push(ConfigError::UnknownSection {
                    section: text::shown(name),
                    origin: self.origin(section.span()),
                    nearest: nearest::section(name),
                }),
                None if known => layers.errors.push(ConfigError::Invalid {
                    key: name.to_owned(),
                    value: text::shown(&plain(value.get_ref()).1),
                    origin: self.origin(section.span()),
                    allowed: format!("must be a section; write [{name}] on a line of its own"),
                }),
                None => self.unknown("", section, layers),
            }
        }
    }

    fn section(&self, section: &str, table: &DeTable<'_>, layers: &mut Layers) {
        for (name, value) in table {
            let Some(key) = nearest::find(section, name.get_ref()) else {
                self.unknown(section, name, layers);
                continue;
            };
            let (kind, text) = plain(value.get_ref());
            let mut given =
                Given { text, kind: Some(kind), private: self.private, origin: self.origin(name.span()) };
            if key.is_secret() {
                match secret::resolve(&given.text, self.around) {
                    Ok(None) => {}
                    Ok(Some(secret)) => given = Given { text: secret, private: true, ..given },
                    Err(allowed) => {
                        layers.refuse(key, text::HIDDEN.to_owned(), given.origin, allowed);
                        continue;
                    }
                }
            }
            layers.given.insert((key.section, key.name), given);
        }
    }

    fn unknown(&self, section: &str, name: &Spanned<std::borrow::Cow<'_, str>>, layers: &mut Layers) {
        let given = name.get_ref().as_ref();
        let key = if section.is_empty() { given.to_owned() } else { format!("{section}.{given}") };
        layers.errors.push(ConfigError::UnknownKey {
            key: text::shown(&key),
            origin: self.origin(name.span()),
            nearest: nearest::key(section, given),
        });
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        let (line, column) = self.position(error.span().map_or(0, |span| span.start));
        let message = cached_proto::text::one_line(error.message()).into_owned();
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
