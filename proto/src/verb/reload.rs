//! `reload`: reads the configuration again, as a SIGHUP does, and says what came of it.

use serde::{Deserialize, Serialize};

/// A key that has another value now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedKey {
    /// Its full name.
    pub key: String,
    /// What it was, as it is written in the configuration; none for no value.
    pub from: Option<String>,
    /// What it is now.
    pub to: Option<String>,
}

/// A key whose new value waits for a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingKey {
    /// Its full name.
    pub key: String,
    /// The value that stays in effect; none for no value.
    pub running: Option<String>,
    /// The value that the configuration says.
    pub wanted: Option<String>,
}

/// Answer to `reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReply {
    /// Whether the configuration was taken over; if not, nothing has changed.
    pub reloaded: bool,
    /// What changed.
    pub changed: Vec<ChangedKey>,
    /// What would change with a restart.
    pub waiting: Vec<WaitingKey>,
    /// What is wrong and what to do about it, each one line; empty when all went well.
    pub errors: Vec<String>,
}
