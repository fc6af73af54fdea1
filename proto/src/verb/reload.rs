//! `reload`: reads the configuration again, as a SIGHUP does, and reports the result.

use serde::{Deserialize, Serialize};

/// Request to read the configuration again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReloadRequest;

/// A key whose value has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedKey {
    /// Its full name.
    pub key: String,
    /// The former value, as written in the configuration; `None` for no value.
    pub from: Option<String>,
    /// The new value.
    pub to: Option<String>,
}

/// A key whose new value waits for a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingKey {
    /// Its full name.
    pub key: String,
    /// The value that stays in effect; `None` for no value.
    pub running: Option<String>,
    /// The value in the new configuration.
    pub wanted: Option<String>,
}

/// Answer to `reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReply {
    /// Whether the new configuration was taken over; if not, nothing has changed.
    pub reloaded: bool,
    /// Changes that took effect.
    pub changed: Vec<ChangedKey>,
    /// Changes that need a restart.
    pub waiting: Vec<WaitingKey>,
    /// Errors and what to do about them, each one line; empty on success.
    pub errors: Vec<String>,
}
