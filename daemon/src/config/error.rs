//! Errors of a configuration, and how they show values.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::PathBuf;

use cached_proto::text::{one_line, truncated};

use super::key::Origin;

/// One error of a configuration. No message shows a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}; check the path after --config and its permissions", .path.display())]
    ReadFile { path: PathBuf, source: io::Error },
    /// The file is not TOML.
    #[error("{} line {line}, column {column}: {message}", .path.display())]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },
    /// The section does not exist.
    #[error("unknown section [{section}] ({origin}); did you mean [{nearest}]?")]
    UnknownSection { section: String, origin: Origin, nearest: String },
    /// The key does not exist.
    #[error("unknown key {key} ({origin}); did you mean {nearest}?")]
    UnknownKey { key: String, origin: Origin, nearest: String },
    /// The variable does not exist.
    #[error("unknown variable {name}; did you mean {nearest}?")]
    UnknownVariable { name: String, nearest: String },
    /// A value, redacted if it is secret, that its key does not allow.
    #[error("{key} = {value} ({origin}): {allowed}")]
    Invalid { key: String, value: String, origin: Origin, allowed: String },
    /// A required key has no value.
    #[error("{key} is not set: {how}")]
    Missing { key: String, how: String },
}

impl ConfigError {
    /// Whether the only cause is that this process, unlike the service, was given no credentials.
    pub(super) fn is_without_credentials(&self) -> bool {
        matches!(self, Self::Invalid { allowed, .. } if allowed == super::secret::NO_CREDENTIALS)
    }

    /// The key that an invalid value was given for.
    pub fn key(&self) -> Option<&str> {
        if let Self::Invalid { key, .. } | Self::Missing { key, .. } = self { Some(key) } else { None }
    }
}

/// All errors of a configuration, at least one; shown one per line.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) const fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The errors, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ConfigErrors {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&one_line(&error.to_string()))?;
        }
        Ok(())
    }
}

/// Maximum length of a value that a message repeats, in characters.
const SHOWN_CHARS: usize = 200;

/// Shown in place of a secret value.
pub(super) const HIDDEN: &str = "(hidden)";

/// A value as a message shows it: one line, bounded, without credentials.
pub(super) fn shown(value: &str) -> String {
    let redacted = redacted(value);
    truncated(&one_line(&redacted), SHOWN_CHARS).into_owned()
}

/// Hides the user info and the query of any text that looks like a URL.
///
/// Everything up to the last `@` is hidden, not only up to the first: an unescaped `@` or `/` in a password
/// must not leave half of it visible.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://").or_else(|| text.split_once(':')) else {
        return Cow::Borrowed(text);
    };
    let separator = if text.contains("://") { "://" } else { ":" };
    let (hidden_user, rest) = match rest.rsplit_once('@') {
        Some((_, host)) => ("…@", host),
        None => ("", rest),
    };
    let (rest, hidden_query) = match rest.find(['?', '#']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), "?…"),
        None => (rest, ""),
    };
    if hidden_user.is_empty() && hidden_query.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{scheme}{separator}{hidden_user}{rest}{hidden_query}"))
}
