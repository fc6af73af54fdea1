//! Formats instants, words and tables for a page.

use std::sync::Arc;

use cached_present::{Tone, duration, standing};
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::words::{Outcome, Phase, Table};
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::config::Config;
use crate::vms::tables::spec;
use crate::web::app::Web;

/// The current time, which instants are compared with, and the zone in which they are shown: that of the
/// schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) zone: Tz,
    pub(super) now: DateTime<Utc>,
    /// Hours for which an entry counts as young.
    pub(super) young: u32,
}

/// An instant, as shown.
#[derive(Debug, Clone)]
pub(super) struct When {
    /// The machine-readable form.
    pub(super) iso: String,
    /// `Mon 23 Nov 02:00 CST`.
    pub(super) text: String,
    /// `3 h 12 min ago`, `in 5 h`.
    pub(super) distance: String,
}

/// A word with its colour.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    pub(super) word: String,
    pub(super) tone: &'static str,
}

/// A table, as people and programs name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) title: &'static str,
    pub(super) table: &'static str,
}

impl View {
    pub(super) fn of(web: &Web) -> Self {
        let config: Arc<Config> = Arc::clone(&web.service.config.borrow());
        Self {
            zone: config.schedule.timezone,
            now: web.service.clock.now(),
            young: config.cache.refresh_after_hours,
        }
    }

    pub(super) fn moment(&self, at: Timestamp) -> String {
        cached_present::moment(at, &self.zone, self.now, "%Z")
    }

    pub(super) fn when(&self, at: Timestamp) -> When {
        let seconds = self.seconds_since(at);
        let distance = if seconds <= -1.0 {
            format!("in {}", whole(-seconds))
        } else if seconds < 5.0 {
            "just now".to_owned()
        } else {
            format!("{} ago", whole(seconds))
        };
        let iso = at.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
        When { iso, text: self.moment(at), distance }
    }

    /// The age of something: `3 h 12 min`.
    pub(super) fn age(&self, at: Timestamp) -> String {
        whole(self.seconds_since(at))
    }

    fn seconds_since(&self, at: Timestamp) -> f64 {
        self.now.signed_duration_since(at.to_utc()).as_seconds_f64()
    }
}

/// Formats a duration without fractions, which do not matter for an age.
fn whole(seconds: f64) -> String {
    if seconds < 10.0 { format!("{:.0} s", seconds.max(0.0).floor()) } else { duration(seconds) }
}

impl Badge {
    pub(super) fn new(word: impl Into<String>, tone: Tone) -> Self {
        Self { word: word.into(), tone: class(tone) }
    }

    pub(super) fn standing(phase: Phase, outcome: Option<Outcome>) -> Self {
        let (word, tone) = standing(phase, outcome);
        // Work in progress needs no attention.
        let tone = if matches!(phase, Phase::Queued | Phase::Running) { "busy" } else { class(tone) };
        Self { word, tone }
    }

    /// The state of a whole run, which differs from the outcome of its worst table.
    pub(super) fn of_run(run: &Run) -> Self {
        let all = run.jobs.len();
        let (bad, guarded) = failed(run);
        match (run.phase, run.outcome) {
            (Phase::Done, Some(_)) if bad > 0 && bad == guarded => {
                Self::new(format!("held back {bad} of {all}"), Tone::Bad)
            }
            (Phase::Done, Some(_)) if bad > 0 => Self::new(format!("failed for {bad} of {all}"), Tone::Bad),
            (Phase::Done, Some(outcome)) if !outcome.is_good() => Self::new("failed", Tone::Bad),
            (Phase::Done, Some(outcome))
                if outcome == Outcome::Skipped || Tone::from(outcome) == Tone::Plain =>
            {
                Self::new("nothing to do", Tone::Plain)
            }
            (Phase::Done, Some(_)) => Self::new("ended well", Tone::Good),
            (phase, outcome) => Self::standing(phase, outcome),
        }
    }
}

/// The numbers of a run's tables that did not end well, and of those among them that were held back.
pub(super) fn failed(run: &Run) -> (usize, usize) {
    let count = |is: fn(Outcome) -> bool| run.jobs.iter().filter(|job| job.outcome.is_some_and(is)).count();
    (count(|outcome| !outcome.is_good()), count(|outcome| outcome == Outcome::Guarded))
}

impl Name {
    pub(super) fn of(table: Table) -> Self {
        Self { title: spec(table).title, table: table.as_str() }
    }
}

/// The CSS class of a tone.
pub(super) const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Warning => "warn",
        Tone::Bad => "bad",
        Tone::Plain => "off",
    }
}
