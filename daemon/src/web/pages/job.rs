//! `GET jobs/{id}`: one job with its attempts.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cached_present::{bytes, duration, phase_of, spoken};
use cached_proto::verb::job::JobRequest;
use cached_proto::verb::jobs::{Attempt, Job};
use cached_proto::words::{Outcome, Phase};

use super::Visit;
use super::frame::Frame;
use super::notice::{Notice, Noticed};
use super::prose::Prose;
use super::row::JobRow;
use super::shown;
use super::view::{Badge, View, When};
use crate::service;
use crate::web::Web;
use crate::web::extract::{Number, Parameters};
use crate::web::fault::WebFault;

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
    let reply = service::jobs::job(web.service(), &JobRequest { job: id }).await?;
    let view = View::of(&web);
    let is_over = matches!(reply.job.phase, Phase::Done | Phase::Cancelled);
    let page = JobPage {
        frame: visit.live(format!("Job {id}"), ""),
        notice: match notice {
            Some(Notice::Cancelled) if web.service().queue.is_stopping(id) => {
                Some("The job is called off and stops soon.")
            }
            Some(Notice::Cancelled) if reply.job.phase == Phase::Cancelled => Some("The job is called off."),
            Some(Notice::CancelledTooLate) if is_over => {
                Some("The job had ended already: there was nothing left to call off.")
            }
            Some(Notice::RetriedTooLate) if !JobRow::of(&reply.job, &view).can_retry => {
                Some("There is nothing to try again: the job has not failed, or is being tried again.")
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
    Tried {
        number: attempt.number,
        state: Badge::standing(phase_of(attempt), attempt.outcome),
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
            Some("This table is withheld: VMS would show its users figures that they may not see.")
        }
        Some(Outcome::Skipped) => Some("There was nothing to do: every entry was young enough."),
        _ => None,
    }
}

/// The figures of the job's result; empty before it has ended.
fn figures(job: &Job) -> Vec<(&'static str, String)> {
    if job.outcome.is_none() {
        return Vec::new();
    }
    let lock = &job.write_lock;
    // If nothing was done, counts of zero are left out.
    let is_told = |number: u64| number > 0 || idle(job.outcome).is_none();
    let mut figures: Vec<(&'static str, String)> = [
        ("Entries", job.entries),
        ("Rebuilt", job.rebuilt),
        ("Verified", job.verified),
        ("Skipped", job.skipped),
        ("Removed", job.pruned),
        ("Failed", job.failed),
        ("Odd source rows", job.warnings),
    ]
    .into_iter()
    .filter(|(_, number)| is_told(*number))
    .map(|(name, number)| (name, number.to_string()))
    .collect();
    if is_told(job.bytes) {
        figures.push(("Size", bytes(job.bytes)));
    }
    if idle(job.outcome).is_none() || lock.seconds > 0.0 {
        let held = format!("{} in all, at most {}", duration(lock.seconds), duration(lock.longest));
        figures.push(("VMS's write lock", held));
    }
    figures
}
