//! `GET jobs`: finished and waiting jobs. `GET jobs/{id}`: one job with its attempts.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use cached_present::{bytes, duration, spoken};
use cached_proto::fault::Fault;
use cached_proto::verb::job::JobRequest;
use cached_proto::verb::jobs::{Attempt, Job, JobFilter};
use cached_proto::words::{Outcome, Phase};
use serde::Deserialize;

use super::Visit;
use super::view::{Badge, Name, View, When};
use crate::jobs::Attempts;
use crate::service;
use crate::web::answer::{LISTED, WebFault, following};
use crate::web::app::Web;
use crate::web::extract::{Number, Parameters, known_filter};
use crate::web::frame::{Frame, Notice, Noticed, Prose, shown};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Wanted {
    filter: Option<String>,
    cursor: Option<i64>,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    filters: [Choice; 3],
    jobs: Vec<JobRow>,
    /// Text shown when there are no jobs.
    none: &'static str,
    /// The address of the next page, if there is one.
    older: Option<String>,
}

struct Choice {
    word: &'static str,
    title: &'static str,
    is_chosen: bool,
}

pub(in crate::web) async fn list(
    State(web): State<Web>,
    uri: Uri,
    visit: Visit,
    Parameters(Wanted { filter, cursor }): Parameters<Wanted>,
) -> Result<Response, WebFault> {
    let filter = known_filter(filter.as_deref())?;
    let queue = &web.service.queue;
    let reply = queue.jobs_page(filter, cursor, LISTED, Attempts::Newest).await.map_err(Fault::from)?;
    let choice = |word, title, which| Choice { word, title, is_chosen: filter == which };
    let view = View::of(&web);
    let page = JobsPage {
        frame: visit.live("Jobs", "jobs"),
        filters: [
            choice("all", "All", JobFilter::All),
            choice("failed", "Failed", JobFilter::Failed),
            choice("running", "Queued and running", JobFilter::Running),
        ],
        none: match filter {
            JobFilter::All => "No jobs yet.",
            JobFilter::Failed => "No failed jobs in the history.",
            JobFilter::Running => "No job is queued or running.",
        },
        older: reply.next.map(|next| following(&uri, next)),
        jobs: reply.jobs.iter().map(|job| JobRow::of(job, &view)).collect(),
    };
    Ok(shown(StatusCode::OK, &page))
}

/// A job in a list.
#[derive(Debug)]
pub(super) struct JobRow {
    pub(super) id: i64,
    pub(super) run: i64,
    pub(super) name: Name,
    pub(super) state: Badge,
    /// When the last attempt began or, before the first one, when the job was queued.
    pub(super) when: When,
    pub(super) attempts: u32,
    /// Time spent on the job; empty if it has not ended or was never attempted.
    pub(super) took: String,
    pub(super) error: Option<Prose>,
    pub(super) can_retry: bool,
    /// Whether the guard held the job back: another attempt alone would end in the same way.
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
                Badge { word: "waits for its next attempt".to_owned(), ..Badge::standing(job.phase, None) }
            } else {
                Badge::standing(job.phase, job.outcome)
            },
            when: view.when(began),
            attempts: tries(job),
            took: if is_over && !job.attempts.is_empty() {
                duration(job.figures.seconds)
            } else {
                String::new()
            },
            error: job.error.clone().map(Prose::new),
            can_retry: can_retry(job),
            is_guarded: is_guarded(job),
            can_cancel: !is_over,
        }
    }
}

/// Number of attempts: the number of the newest one.
fn tries(job: &Job) -> u32 {
    job.attempts.last().map_or(0, |attempt| attempt.number)
}

/// Whether the job has failed and waits for its next attempt.
fn is_waiting(job: &Job) -> bool {
    job.phase == Phase::Queued && !job.attempts.is_empty()
}

/// Whether the job was held back because the source has lost suspiciously many rows; a person decides about that.
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

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    notice: Option<&'static str>,
    row: JobRow,
    trigger: String,
    queued: When,
    not_before: Option<When>,
    /// Why nothing was done, where that is not a failure.
    why: &'static str,
    figures: Vec<(&'static str, String)>,
    attempts: Vec<Tried>,
}

/// An attempt of the job.
struct Tried {
    number: u32,
    state: Badge,
    started: When,
    took: String,
    snapshot: Option<When>,
    error: Option<Prose>,
}

pub(in crate::web) async fn page(
    State(web): State<Web>,
    visit: Visit,
    Number(id): Number,
    Parameters(Noticed { notice }): Parameters<Noticed>,
) -> Result<Response, WebFault> {
    let reply = service::jobs::job(&web.service, &JobRequest { job: id }).await?;
    let view = View::of(&web);
    let is_over = matches!(reply.job.phase, Phase::Done | Phase::Cancelled);
    let page = JobPage {
        frame: visit.live(format!("Job {id}"), ""),
        notice: match notice {
            Some(Notice::Cancelled) if web.service.queue.is_stopping(id) => {
                Some("The job is cancelled and stops soon.")
            }
            Some(Notice::Cancelled) if reply.job.phase == Phase::Cancelled => Some("The job is cancelled."),
            Some(Notice::CancelledTooLate) if is_over => {
                Some("The job had ended already, so nothing was cancelled.")
            }
            Some(Notice::RetriedTooLate) if !JobRow::of(&reply.job, &view).can_retry => {
                Some("Nothing to retry: the job has not failed, or is already being retried.")
            }
            _ => None,
        },
        row: JobRow::of(&reply.job, &view),
        trigger: spoken(reply.job.trigger.as_str()),
        queued: view.when(reply.job.queued),
        not_before: reply.not_before.map(|at| view.when(at)),
        why: idle(reply.job.outcome).unwrap_or_default(),
        figures: figures(&reply.job),
        attempts: reply.job.attempts.iter().map(|attempt| tried(attempt, &view)).collect(),
    };
    Ok(shown(StatusCode::OK, &page))
}

fn tried(attempt: &Attempt, view: &View) -> Tried {
    let state = Badge::standing(attempt.phase(), attempt.outcome);
    Tried {
        number: attempt.number,
        state,
        started: view.when(attempt.started),
        took: attempt.ended.map_or_else(String::new, |_| duration(attempt.seconds)),
        snapshot: attempt.snapshot.map(|at| view.when(at)),
        error: attempt.error.clone().map(Prose::new),
    }
}

/// Why nothing was done.
const fn idle(outcome: Option<Outcome>) -> Option<&'static str> {
    match outcome {
        Some(Outcome::NotApplicable) => Some("This VMS has no such table."),
        Some(Outcome::Off) => Some("This table is switched off in the configuration."),
        Some(Outcome::Withheld) => {
            Some("This table is withheld: it would expose data to users who may see only part of it.")
        }
        Some(Outcome::Skipped) => Some("Nothing to do: every entry was young enough."),
        _ => None,
    }
}

/// The figures of the job's result; empty before it has ended.
fn figures(job: &Job) -> Vec<(&'static str, String)> {
    if job.outcome.is_none() {
        return Vec::new();
    }
    let (done, lock) = (&job.figures, &job.write_lock);
    // If nothing was done, counts of zero are left out.
    let is_shown = |number: u64| number > 0 || idle(job.outcome).is_none();
    let mut figures: Vec<(&'static str, String)> = [
        ("Entries", done.entries),
        ("Rebuilt", done.rebuilt),
        ("Verified", done.verified),
        ("Skipped", done.skipped),
        ("Removed", done.pruned),
        ("Failed", done.failed),
        ("Suspect source rows", done.warnings),
    ]
    .into_iter()
    .filter(|(_, number)| is_shown(*number))
    .map(|(name, number)| (name, number.to_string()))
    .collect();
    if is_shown(done.bytes) {
        figures.push(("Size", bytes(done.bytes)));
    }
    if idle(job.outcome).is_none() || lock.seconds > 0.0 {
        let held = format!("{} in all, at most {}", duration(lock.seconds), duration(lock.longest));
        figures.push(("VMS's write lock", held));
    }
    figures
}
