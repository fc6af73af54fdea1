//! What a morning message says: whether every table is fresh, in the words of `status`, and what the night did.

use cached_present::{count, duration, moment, standing, verdict};
use cached_proto::verb::health::HealthReply;
use cached_proto::verb::history::Run;
use cached_proto::verb::status::StatusReply;
use cached_proto::words::Outcome;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::jobs::Policy;

/// How far back a scheduled run counts as that of the night: a day of 25 hours.
pub(crate) const NIGHT: TimeDelta = TimeDelta::hours(25);

/// The content of a morning message.
#[derive(Debug, Clone)]
pub(crate) struct Morning {
    /// The first line of `cachectl status`.
    pub(crate) summary: String,
    /// What the night did.
    pub(crate) details: Vec<String>,
    /// What is wrong and what to type.
    pub(crate) health: HealthReply,
}

impl Morning {
    /// Words a status and the runs of the last [`NIGHT`], newest first.
    pub(crate) fn of(
        status: &StatusReply,
        runs: &[Run],
        health: HealthReply,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Self {
        let verdict = verdict(status, |at| moment(at, &zone, now, "%Z"));
        let is_of_night = |run: &&Run| Policy::of(run.trigger, false).is_of_slot() && run.ended.is_some();
        let night = runs.iter().find(is_of_night).map_or_else(
            || format!("No scheduled refresh has ended in the last {} hours", NIGHT.num_hours()),
            |run| done(run, zone, now),
        );
        // What keeps the database from being read is a reason of its own.
        let state = if status.database_error.is_some() { verdict.headline } else { verdict.sentence };
        Self { summary: format!("{state}; {}", verdict.next), details: vec![night], health }
    }

    /// The message when the state cannot be read.
    pub(crate) fn unknown(error: &str, health: HealthReply) -> Self {
        let summary = format!("The state of the tables is not known: {error}");
        Self { summary, details: Vec::new(), health }
    }
}

/// `Run 12 (schedule, Mon 23 Nov 02:00 CST) mixed in 4.56 s: 9 tables, 12 entries rebuilt, 3405 kept`
fn done(run: &Run, zone: Tz, now: DateTime<Utc>) -> String {
    let at = moment(run.started.unwrap_or(run.queued), &zone, now, "%Z");
    let (how, _) = standing(run.phase, run.outcome);
    let tried = run.jobs.iter().filter(|job| job.outcome.is_some_and(Outcome::is_tried));
    let (mut tables, mut rebuilt, mut kept) = (0_u64, 0_u64, 0_u64);
    for job in tried {
        tables += 1;
        rebuilt += job.figures.rebuilt;
        kept += job.figures.verified + job.figures.skipped;
    }
    // The reasons name them.
    let bad = run.jobs.iter().filter(|job| job.outcome.is_some_and(|outcome| !outcome.is_good())).count();
    let bad = if bad == 0 { String::new() } else { format!("; {} not refreshed", count(bad, "table")) };
    format!(
        "Run {} ({}, {at}) {how} in {}: {}, {} rebuilt, {kept} kept{bad}",
        run.id,
        run.trigger.as_str().replace('_', " "),
        duration(run.seconds),
        count(tables, "table"),
        count(rebuilt, "entry"),
    )
}
