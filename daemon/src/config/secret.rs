//! Secrets in files of their own.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::process_environment::ProcessEnvironment;
use super::setting::Setting;
use crate::plain_file;

/// Maximum size of a secret: no token is longer, and a device without an end must not fill the memory.
const LONGEST: u64 = 64 * 1024;

/// The error of every credential where systemd passed none at all.
pub(super) const NO_CREDENTIALS: &str = "systemd passed no credentials; add LoadCredential= to the unit";

/// Whether only the owner may read, write or execute.
pub(super) fn is_private(mode: u32) -> bool {
    (mode & 0o070, mode & 0o007) == (0, 0)
}

/// Returns the secret behind `file:PATH` or `credential:NAME`; `None` if the text is the value itself. The
/// error says what to do and never repeats contents.
pub(super) fn resolve(text: &str, environment: &ProcessEnvironment) -> Result<Option<String>, String> {
    if let Some(path) = text.strip_prefix("file:") {
        return read(&environment.absolute(Path::new(path)), true).map(Some);
    }
    let Some(name) = text.strip_prefix("credential:") else { return Ok(None) };
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err("credential: must be followed by the name given to LoadCredential=".to_owned());
    }
    let Some(directory) = environment.directory("CREDENTIALS_DIRECTORY") else {
        return Err(NO_CREDENTIALS.to_owned());
    };
    // systemd keeps this directory private itself, so the modes of its files are not checked.
    read(&directory.join(name), false).map(Some)
}

/// Whether a text is the place of a secret, and not possibly the secret itself in the wrong key.
pub(super) fn is_place(text: &str, environment: &ProcessEnvironment) -> bool {
    let path = text.strip_prefix("file:").unwrap_or(text);
    text.starts_with("credential:") || (!path.is_empty() && environment.absolute(Path::new(path)).exists())
}

fn read(path: &Path, must_be_private: bool) -> Result<String, String> {
    let fail = |error: std::io::Error| format!("cannot read the secret file {}: {error}", path.display());
    let file = plain_file::open(path).map_err(fail)?;
    let mode = file.metadata().map_err(fail)?.permissions().mode();
    if must_be_private && !is_private(mode) {
        return Err(format!("others may read {0}; run chmod 600 {0}", path.display()));
    }
    let mut secret = String::new();
    file.take(LONGEST).read_to_string(&mut secret).map_err(fail)?;
    Ok(secret.trim_end().to_owned())
}

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
    fn parse(text: &str, environment: &ProcessEnvironment) -> Result<Self, String> {
        let path = text.strip_prefix("file:").unwrap_or(text);
        let (place, named) = if text.starts_with("credential:") {
            (text.to_owned(), text.to_owned())
        } else {
            if !is_place(text, environment) {
                return Err("must be the path of a file of mode 0600 that holds the secret, or credential:NAME; \
                            there is no such file, and what was given is not shown, as it may be the secret itself"
                    .to_owned());
            }
            let place = PathBuf::parse(path, environment)?.display().to_string();
            (place.clone(), format!("file:{place}"))
        };
        let secret = resolve(&named, environment)?.unwrap_or_default();
        Ok(Self { place, secret })
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.place.clone()))
    }
}
