//! Recent failures. Tables that failed in one run for the same reason are grouped as one failure; of a table
//! that fails repeatedly, only the newest failure is shown.

use std::collections::{HashMap, HashSet};

use cached_present::Tone;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Table};

use super::prose::Prose;
use super::row::{can_retry, is_guarded};
use super::view::{Badge, Name, View, When, class};

/// Most failures of a kind that are shown.
const SHOWN: usize = 6;

/// Recent failures, the newest first.
#[derive(Debug)]
pub(super) struct Failures {
    /// Failures that may need a person's attention.
    pub(super) open: Vec<Failure>,
    /// Failures whose tables have all ended well since.
    pub(super) mended: Vec<Failure>,
}

/// Jobs that failed in one run for the same reason.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) run: i64,
    /// The jobs that failed.
    pub(super) jobs: Vec<(i64, Name)>,
    pub(super) state: Badge,
    pub(super) when: When,
    pub(super) error: Prose,
    /// Whether all of its tables have ended well since.
    pub(super) is_mended: bool,
    /// Whether it was held back by the guard: another try alone would end in the same way.
    pub(super) is_guarded: bool,
    /// Target of the form that retries the failure; `None` when nothing is left to retry.
    pub(super) retry: Option<String>,
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.mended.is_empty()
    }
}

/// Groups failed jobs, the newest first; `newest` has each table's newest job that did not skip every entry.
pub(super) fn failures(jobs: &[Job], newest: &HashMap<Table, &Job>, view: &View) -> Failures {
    let is_mended = |job: &Job| {
        let later = newest.get(&job.table).filter(|newest| newest.id > job.id);
        later.is_some_and(|later| later.outcome.is_some_and(Outcome::is_good))
    };
    let mut told = HashSet::new();
    let mut groups: Vec<(bool, Vec<&Job>)> = Vec::new();
    for job in jobs.iter().filter(|job| told.insert(job.table)) {
        let key = (is_mended(job), job.run, &job.error);
        let alike = |group: &&mut (bool, Vec<&Job>)| {
            group.1.first().is_some_and(|first| (group.0, first.run, &first.error) == key)
        };
        match groups.iter_mut().find(alike) {
            Some((_, group)) => group.push(job),
            None => groups.push((key.0, vec![job])),
        }
    }
    let (mended, open): (Vec<_>, Vec<_>) = groups.iter().partition(|(is_mended, _)| *is_mended);
    let told = |groups: Vec<&(bool, Vec<&Job>)>| {
        let told = groups.into_iter().take(SHOWN);
        told.filter_map(|(is_mended, group)| failure(group, *is_mended, view)).collect()
    };
    Failures { open: told(open), mended: told(mended) }
}

fn failure(jobs: &[&Job], is_mended: bool, view: &View) -> Option<Failure> {
    let first = jobs.first()?;
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
        is_guarded: !is_mended && is_guarded(first),
        retry: Some(retry).filter(|_| !is_mended && jobs.iter().any(|job| can_retry(job))),
    })
}
