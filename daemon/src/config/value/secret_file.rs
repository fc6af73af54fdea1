//! Secrets that are named by the place where they are stored.

use std::fmt;
use std::path::PathBuf;

use super::super::secret;
use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

/// The contents of a private file or a systemd credential, read together with the configuration. Every way of
/// showing it shows only the place.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    place: String,
    secret: String,
}

impl SecretFile {
    /// The secret, without white space at its end. Never show it.
    pub fn expose(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.place)
    }
}

impl Setting for SecretFile {
    fn parse(text: &str, around: &Surroundings) -> Result<Self, String> {
        let path = text.strip_prefix("file:").unwrap_or(text);
        let (place, named) = if text.starts_with("credential:") {
            (text.to_owned(), text.to_owned())
        } else {
            if !secret::is_place(text, around) {
                return Err("must be the path of a file of mode 0600 that holds the secret, or credential:NAME; \
                            there is no such file, and what was given is not shown, as it may be the secret itself"
                    .to_owned());
            }
            let place = PathBuf::parse(path, around)?.display().to_string();
            (place.clone(), format!("file:{place}"))
        };
        let secret = secret::resolve(&named, around)?.unwrap_or_default();
        Ok(Self { place, secret })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.place.clone()))
    }
}
