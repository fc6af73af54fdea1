//! `GET runs/{id}`: one run, in progress or ended.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cached_present::{count, duration, spoken};
use cached_proto::fault::Fault;
use cached_proto::verb::history::Run;
use cached_proto::words::{CacheType, Outcome, Phase};

use super::Visit;
use super::jobs::JobRow;
use super::plot::Timeline;
use super::view::{Badge, Name, View, When, failed};
use crate::web::answer::WebFault;
use crate::web::app::Web;
use crate::web::extract::{Number, Parameters};
use crate::web::frame::{Frame, Notice, Noticed, Prose, shown};
use crate::web::wish::nothing_to_do;

/// Progress of a run.
#[derive(Debug)]
pub(super) struct Progressing {
    pub(super) run: i64,
    pub(super) trigger: String,
    pub(super) done: usize,
    pub(super) all: usize,
    /// The table that is being refreshed.
    pub(super) now: Option<Name>,
    /// Elapsed time of the run.
    pub(super) since: String,
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    notice: Option<&'static str>,
    id: i64,
    trigger: String,
    slot: Option<String>,
    state: Badge,
    sentence: String,
    is_over: bool,
    can_retry: bool,
    /// Types to preselect for a forced refresh of what was skipped; empty if anything was done.
    force: Vec<&'static str>,
    /// Whether a table was held back because of a loss of source rows.
    is_guarded: bool,
    progress: Progressing,
    queued: When,
    started: Option<When>,
    ended: Option<When>,
    took: String,
    /// Errors that several of its tables have in common, shown once.
    shared: Vec<Shared>,
    jobs: Vec<JobRow>,
    /// Missing before the run has begun.
    timeline: Option<Timeline>,
}

/// An error that several tables have in common.
struct Shared {
    tables: String,
    error: Prose,
}

impl Progressing {
    pub(super) fn of(run: &Run, view: &View) -> Self {
        let is_over = |phase| !matches!(phase, Phase::Queued | Phase::Running);
        let now = run.jobs.iter().find(|job| job.phase == Phase::Running);
        Self {
            run: run.id,
            trigger: spoken(run.trigger.as_str()),
            done: run.jobs.iter().filter(|job| is_over(job.phase)).count(),
            all: run.jobs.len(),
            now: now.map(|job| Name::of(job.table)),
            since: run.started.map_or_else(String::new, |started| view.age(started)),
        }
    }
}

pub(in crate::web) async fn page(
    State(web): State<Web>,
    visit: Visit,
    Number(id): Number,
    Parameters(Noticed { notice }): Parameters<Noticed>,
) -> Result<Response, WebFault> {
    let run = web.service.queue.run(id).await.map_err(Fault::from)?;
    let frame = visit.live(format!("Refresh {id}"), "");
    let is_stopping = run.jobs.iter().any(|job| web.service.queue.is_stopping(job.id));
    Ok(shown(StatusCode::OK, &filled(&run, frame, notice, is_stopping, &View::of(&web))))
}

fn filled(run: &Run, frame: Frame, notice: Option<Notice>, is_stopping: bool, view: &View) -> RunPage {
    let is_over = matches!(run.phase, Phase::Done | Phase::Cancelled);
    let mut jobs: Vec<JobRow> = run.jobs.iter().map(|job| JobRow::of(job, view)).collect();
    let shared = shared(&mut jobs);
    RunPage {
        frame,
        notice: match notice {
            Some(Notice::Queued) if !is_over => Some("The run is queued."),
            Some(Notice::Joined) if !is_over => Some("An identical run was queued already; this is it."),
            Some(Notice::Retried) if !is_over => Some("The tables that did not end well are retried."),
            Some(Notice::Cancelled) if is_stopping => {
                Some("The run is cancelled; the table in progress stops soon.")
            }
            Some(Notice::Cancelled) if run.phase == Phase::Cancelled => Some("The run is cancelled."),
            Some(Notice::CancelledTooLate) if is_over => {
                Some("The run had ended already, so nothing was cancelled.")
            }
            Some(Notice::RetriedTooLate) if !jobs.iter().any(|job| job.can_retry) => {
                Some("Nothing to retry: the failed tables are being retried, or have ended well since.")
            }
            _ => None,
        },
        id: run.id,
        trigger: spoken(run.trigger.as_str()),
        slot: run.slot.clone(),
        state: Badge::of_run(run),
        sentence: sentence(run, view.young),
        is_over,
        force: if run.outcome == Some(Outcome::Skipped) { types(run) } else { Vec::new() },
        can_retry: is_over && jobs.iter().any(|job| job.can_retry),
        is_guarded: is_over && jobs.iter().any(|job| job.is_guarded),
        progress: Progressing::of(run, view),
        queued: view.when(run.queued),
        started: run.started.map(|at| view.when(at)),
        ended: run.ended.map(|at| view.when(at)),
        took: run.ended.map_or_else(String::new, |_| duration(run.seconds)),
        shared,
        jobs,
        timeline: Timeline::of(run, view),
    }
}

/// The types of the run's tables, as named in the refresh form.
fn types(run: &Run) -> Vec<&'static str> {
    let types: BTreeSet<CacheType> = run.jobs.iter().map(|job| job.cache_type).collect();
    types.into_iter().map(CacheType::as_str).collect()
}

/// Moves errors that several rows have in common out of the rows, so that each is shown once.
fn shared(jobs: &mut [JobRow]) -> Vec<Shared> {
    let mut errors: Vec<Prose> = Vec::new();
    for error in jobs.iter().filter_map(|job| job.error.as_ref()) {
        if !errors.contains(error) {
            errors.push(error.clone());
        }
    }
    let shared = errors.into_iter().filter_map(|error| {
        let with: Vec<&mut JobRow> =
            jobs.iter_mut().filter(|job| job.error.as_ref() == Some(&error)).collect();
        if with.len() < 2 {
            return None;
        }
        let titles: Vec<&str> = with.iter().map(|job| job.name.title).collect();
        let tables = titles.join(", ");
        for job in with {
            job.error = None;
        }
        Some(Shared { tables, error })
    });
    shared.collect()
}

/// The state or result of the run in one sentence. Good only if every table is.
fn sentence(run: &Run, young: u32) -> String {
    if let Some(nothing) = nothing_to_do(run, young) {
        return format!("Run {} had {nothing}", run.id);
    }
    let (bad, guarded) = failed(run);
    let tables = count(run.jobs.len(), "table");
    match run.phase {
        Phase::Queued => format!("Run {} is queued", run.id),
        Phase::Running if bad > 0 => {
            format!("Run {} is running; {} failed so far", run.id, count(bad, "table"))
        }
        Phase::Running => format!("Run {} is running", run.id),
        Phase::Cancelled => format!("Run {} was cancelled", run.id),
        Phase::Done if bad > 0 && bad == guarded => format!("Run {} held back {bad} of {tables}", run.id),
        Phase::Done if bad > 0 => format!("Run {} failed for {bad} of {tables}", run.id),
        Phase::Done if !run.outcome.is_none_or(Outcome::is_good) => format!("Run {} failed", run.id),
        Phase::Done => format!("Run {} ended well: {tables}", run.id),
    }
}
