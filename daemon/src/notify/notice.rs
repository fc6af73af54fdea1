//! The content of a notice, as text and as JSON.

use std::fmt::Write as _;

use cached_proto::text::{one_line, truncated};
use cached_proto::time::Timestamp;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::words::HealthLevel;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Longest message or hint, in characters, so that a notice is readable on a telephone.
const LONGEST: usize = 1000;

/// A change of health, or a test.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    /// The current level, or `test`.
    state: &'static str,
    /// The previously announced level.
    previous: &'static str,
    reasons: Vec<ShownReason>,
    host: String,
    at: Timestamp,
    version: &'static str,
}

/// A reason, escaped and truncated for display.
#[derive(Debug, Serialize)]
struct ShownReason {
    code: String,
    message: String,
    hint: String,
}

impl Notice {
    pub(super) fn change(previous: HealthLevel, now: &HealthReply, host: &str, at: DateTime<Utc>) -> Self {
        let reasons = now.reasons.iter().map(shown_reason).collect();
        Self { reasons, ..Self::new(now.health.as_str(), previous.as_str(), host, at) }
    }

    pub(super) fn test(host: &str, at: DateTime<Utc>) -> Self {
        let test = ShownReason {
            code: "test".to_owned(),
            message: "this is a test; nothing has happened".to_owned(),
            hint: "nothing needs to be done".to_owned(),
        };
        Self { reasons: vec![test], ..Self::new("test", "test", host, at) }
    }

    fn new(state: &'static str, previous: &'static str, host: &str, at: DateTime<Utc>) -> Self {
        let (host, version) = (shown(host), env!("CARGO_PKG_VERSION"));
        Self { state, previous, reasons: Vec::new(), host, at: at.into(), version }
    }

    /// A summary line, followed by one line for each reason.
    pub(super) fn text(&self) -> String {
        let Self { state, previous, host, at, version, .. } = self;
        let at = at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut text = format!("cached on {host}: {state} (before: {previous}) at {at}, version {version}\n");
        for ShownReason { code, message, hint } in &self.reasons {
            // Writing to a String cannot fail.
            let _ = write!(text, "{code}: {message}");
            let _ = writeln!(text, "{}{hint}", if hint.is_empty() { "" } else { " | to do: " });
        }
        text
    }

    /// `{"state","previous","reasons":[{"code","message","hint"}],"host","at","version"}`
    pub(super) fn json(&self) -> String {
        // The fields are strings and one timestamp, which JSON can always represent.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn shown_reason(reason: &Reason) -> ShownReason {
    ShownReason { code: shown(&reason.code), message: shown(&reason.message), hint: shown(&reason.hint) }
}

fn shown(text: &str) -> String {
    truncated(&one_line(text), LONGEST).into_owned()
}

/// The host name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
