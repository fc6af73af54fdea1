//! A job in a list.

use cached_present::duration;
use cached_proto::verb::jobs::Job;
use cached_proto::words::{Outcome, Phase};

use super::prose::Prose;
use super::view::{Badge, Name, View, When};

/// A job in a list.
#[derive(Debug)]
pub(super) struct JobRow {
    pub(super) id: i64,
    pub(super) run: i64,
    pub(super) name: Name,
    pub(super) state: Badge,
    /// When the last attempt began or, before the first one, when the job was queued.
    pub(super) when: When,
    pub(super) attempts: usize,
    /// Time spent on the job; empty if it has not ended or was never attempted.
    pub(super) took: String,
    pub(super) error: Option<Prose>,
    pub(super) can_retry: bool,
    /// Whether the guard held the job back: another try alone would end in the same way.
    pub(super) is_guarded: bool,
    pub(super) can_cancel: bool,
}

impl JobRow {
    pub(super) fn of(job: &Job, view: &View) -> Self {
        let began = job.attempts.last().map_or(job.queued, |attempt| attempt.started);
        let is_over = matches!(job.phase, Phase::Done | Phase::Cancelled);
        Self {
            id: job.id,
            run: job.run,
            name: Name::of(job.table),
            state: if is_waiting(job) {
                Badge { word: "waits for its next try".to_owned(), ..Badge::standing(job.phase, None) }
            } else {
                Badge::standing(job.phase, job.outcome)
            },
            when: view.when(began),
            attempts: job.attempts.len(),
            took: if is_over && !job.attempts.is_empty() { duration(job.seconds) } else { String::new() },
            error: job.error.clone().map(Prose::new),
            can_retry: can_retry(job),
            is_guarded: is_guarded(job),
            can_cancel: !is_over,
        }
    }
}

/// Whether the job has failed and waits for its next attempt.
fn is_waiting(job: &Job) -> bool {
    job.phase == Phase::Queued && !job.attempts.is_empty()
}

/// Whether the job was held back because the source has lost suspiciously many rows, about which a person
/// decides.
pub(super) fn is_guarded(job: &Job) -> bool {
    job.phase == Phase::Done && job.outcome == Some(Outcome::Guarded)
}

/// Whether the job can be retried: a failed one gets another attempt, and one that waits for an attempt gets
/// it now.
pub(super) fn can_retry(job: &Job) -> bool {
    match job.phase {
        Phase::Done => !job.outcome.is_none_or(Outcome::is_good) && !is_guarded(job),
        Phase::Cancelled => true,
        Phase::Queued => is_waiting(job),
        Phase::Running => false,
    }
}
