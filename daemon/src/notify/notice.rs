//! What is to be told, once for every channel and format.

use std::fmt::Write as _;

use cached_present::Tone;
use cached_proto::text::{one_line, truncated};
use cached_proto::time::Timestamp;
use cached_proto::verb::health::{HealthReply, Reason};
use cached_proto::words::HealthLevel;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::night::Morning;

/// Longest message, hint or other line, in characters, so that a notice is readable on a telephone.
const LONGEST: usize = 1000;

/// Longest title, in characters: that of a mail is one line of a list.
const LONGEST_TITLE: usize = 200;

/// A change of health, a morning message, or a test.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    /// The current level, or `test`.
    state: &'static str,
    /// The previously announced level; in a morning message the current one.
    previous: &'static str,
    reasons: Vec<ShownReason>,
    host: String,
    at: Timestamp,
    version: &'static str,
    /// What a morning message says in one line; no other notice has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// Further lines of a morning message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
    #[serde(skip)]
    tone: Tone,
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
        Self {
            reasons,
            tone: now.health.into(),
            ..Self::new(now.health.as_str(), previous.as_str(), host, at)
        }
    }

    /// A morning message; `late` says that it is, and when it was due.
    pub(super) fn morning(morning: &Morning, late: Option<&str>, host: &str, at: DateTime<Utc>) -> Self {
        let level = morning.health.health;
        // What needs nothing done would make the message of every morning longer.
        let reasons = morning.health.reasons.iter().filter(|reason| reason.level > HealthLevel::Healthy);
        Self {
            reasons: reasons.map(shown_reason).collect(),
            summary: Some(shown(&morning.summary)),
            details: late.into_iter().chain(morning.details.iter().map(String::as_str)).map(shown).collect(),
            tone: level.into(),
            ..Self::new(level.as_str(), level.as_str(), host, at)
        }
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
        Self {
            state,
            previous,
            reasons: Vec::new(),
            host: shown(host),
            at: at.into(),
            version: env!("CARGO_PKG_VERSION"),
            summary: None,
            details: Vec::new(),
            tone: Tone::Plain,
        }
    }

    pub(super) const fn tone(&self) -> Tone {
        self.tone
    }

    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    /// What the log calls it.
    pub(super) const fn name(&self) -> &'static str {
        if self.summary.is_some() { "the morning" } else { self.state }
    }

    /// The notice in one line, for a list of them.
    pub(super) fn title(&self) -> String {
        truncated(&self.heading(), LONGEST_TITLE).into_owned()
    }

    fn heading(&self) -> String {
        let Self { state, previous, host, .. } = self;
        match &self.summary {
            // A full disk, for example, is no matter of the tables.
            Some(summary) if self.tone != Tone::Good => format!("cached on {host}: {state}: {summary}"),
            Some(summary) => format!("cached on {host}: {summary}"),
            None => format!("cached on {host}: {state} (before: {previous})"),
        }
    }

    /// The lines below the title.
    pub(super) fn lines(&self) -> Vec<String> {
        let reasons = self.reasons.iter().map(|ShownReason { code, message, hint }| {
            format!("{code}: {message}{}{hint}", if hint.is_empty() { "" } else { " | to do: " })
        });
        self.details.iter().cloned().chain(reasons).collect()
    }

    /// When and by whom, in one line.
    pub(super) fn stamp(&self) -> String {
        let at = self.at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("at {at}, version {}", self.version)
    }

    /// The title, the lines and the stamp; that of a change or a test is in the first line.
    pub(super) fn text(&self) -> String {
        let (mut lines, stamp) = (self.lines(), self.stamp());
        let mut title = self.heading();
        if self.summary.is_some() {
            lines.push(stamp);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(title, " {stamp}");
        }
        lines.insert(0, title);
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// `{"state","previous","reasons":[{"code","message","hint"}],"host","at","version"}`, and `"summary"` and
    /// `"details"` of a morning message.
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
