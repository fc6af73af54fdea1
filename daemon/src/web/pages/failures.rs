//! What has failed of late. Tables that failed in one run for one reason are one failure.

use std::collections::HashMap;

use cached_proto::speech::Tone;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Table};

use super::prose::Prose;
use super::row::can_retry;
use super::view::{Badge, Name, View, When, class};

/// Failures that are shown.
const SHOWN: usize = 6;

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) run: i64,
    /// The jobs that failed.
    pub(super) jobs: Vec<(i64, Name)>,
    pub(super) state: Badge,
    pub(super) when: When,
    pub(super) error: Prose,
    /// All of its tables have ended well since.
    pub(super) is_mended: bool,
    /// Where a form is sent that has it tried again; none where nothing is left to try.
    pub(super) retry: Option<String>,
}

/// Sums up failed jobs, the newest first; `newest` has the newest job of each table that did not
/// skip all of it.
pub(super) fn failures(jobs: &[Job], newest: &HashMap<Table, &Job>, view: &View) -> Vec<Failure> {
    let alike = |one: &Job, other: &Job| (one.run, &one.error) == (other.run, &other.error);
    let groups = jobs.chunk_by(alike);
    groups.take(SHOWN).filter_map(|group| failure(group, newest, view)).collect()
}

fn failure(jobs: &[Job], newest: &HashMap<Table, &Job>, view: &View) -> Option<Failure> {
    let first = jobs.first()?;
    let is_mended = |job: &Job| {
        let later = newest.get(&job.table).filter(|newest| newest.id > job.id);
        later.is_some_and(|later| later.outcome.is_some_and(Outcome::is_good))
    };
    let is_mended = jobs.iter().all(is_mended);
    let began = first.attempts.last().map_or(first.queued, |attempt| attempt.started);
    let state = Badge::standing(first.phase, first.outcome);
    let retry = match jobs {
        [job] => format!("jobs/{}", job.id),
        _ => format!("runs/{}", first.run),
    };
    let retry = format!("/management/cache/{retry}/retry");
    Some(Failure {
        run: first.run,
        jobs: jobs.iter().rev().map(|job| (job.id, Name::of(job.table))).collect(),
        state: if is_mended { Badge { tone: class(Tone::Plain), ..state } } else { state },
        when: view.when(began),
        error: Prose::new(first.error.clone().unwrap_or_default()),
        is_mended,
        retry: Some(retry).filter(|_| !is_mended && jobs.iter().any(can_retry)),
    })
}
