//! Fixtures of the rendering tests: one instant, one zone, and small replies.

use cached_proto::lock::WriteLock;
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Job, JobFigures};
use cached_proto::words::{Outcome, Phase, Table, Trigger};
use chrono::DateTime;
use chrono_tz::Tz;

use crate::output::{Style, View, Zone};

/// Text that would forge a line, colour the terminal and reverse what follows it.
pub(crate) const HOSTILE: &str = "all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end";

/// The instant of an RFC 3339 text.
pub(crate) fn at(text: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc().into()
}

/// Sunday 22 November 2026, 14:44 in Chicago, 80 columns, no colour.
pub(crate) fn view() -> View {
    View {
        now: at("2026-11-22T20:44:00Z").to_utc(),
        zone: Zone::Named(Tz::America__Chicago),
        width: Some(80),
        style: Style { colour: false },
    }
}

/// A job of run 12 that ended.
pub(crate) fn job(id: i64, table: Table, outcome: Outcome) -> Job {
    Job {
        id,
        run: 12,
        trigger: Trigger::Manual,
        cache_type: table.cache_type(),
        table,
        phase: Phase::Done,
        outcome: Some(outcome),
        queued: at("2026-11-22T20:40:00Z"),
        attempts: Vec::new(),
        figures: JobFigures {
            entries: 21,
            rebuilt: 20,
            verified: 1,
            pruned: 3,
            bytes: 12_345,
            seconds: 0.414,
            ..JobFigures::default()
        },
        error: None,
        write_lock: WriteLock::default(),
    }
}

/// Run 12, which ended, of these jobs.
pub(crate) fn run(jobs: Vec<Job>) -> Run {
    Run {
        id: 12,
        trigger: Trigger::Manual,
        slot: None,
        phase: Phase::Done,
        queued: at("2026-11-22T20:40:00Z"),
        started: Some(at("2026-11-22T20:40:01Z")),
        ended: Some(at("2026-11-22T20:40:05Z")),
        seconds: 4.56,
        outcome: jobs.iter().filter_map(|job| job.outcome).max(),
        jobs,
        write_lock: WriteLock::default(),
    }
}

/// Replaces the escape character, so that snapshots show colours as text.
pub(crate) fn visible(text: &str) -> String {
    text.replace('\u{1b}', "<ESC>")
}
