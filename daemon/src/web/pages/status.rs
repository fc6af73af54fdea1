//! `GET status`: how everything is, at a glance.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cached_proto::speech::{self, Figure, Tone};
use cached_proto::verb::health::Reason;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::status::StatusReply;
use cached_proto::words::{HealthLevel, SchedulerState, Table, TableState};

use super::Visit;
use super::failures::{Failure, failures};
use super::frame::Frame;
use super::notice::{Notice, Noticed};
use super::plot::{Plot, RunRow};
use super::prose::Prose;
use super::run::Progressing;
use super::shown;
use super::tables::{self, TableRow};
use super::view::{View, When, class};
use crate::web::Web;
use crate::web::extract::Parameters;
use crate::web::fault::WebFault;
use crate::web::views::Overview;

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    frame: Frame,
    notice: Option<&'static str>,
    tone: &'static str,
    headline: String,
    next: String,
    reasons: Vec<Told>,
    remedy: Option<Remedy>,
    is_running: bool,
    next_run: Option<When>,
    zone: String,
    interval: u32,
    current: Option<Progressing>,
    queued: u64,
    last: Option<RunRow>,
    figures: Vec<Measured>,
    covered: String,
    tables: Vec<TableRow>,
    plot: Plot,
    failures: Vec<Failure>,
}

/// A reason of the health.
struct Told {
    tone: &'static str,
    message: Prose,
    hint: Prose,
}

/// What the first button does where tables are not fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Makes what is not fresh.
    Refresh,
    /// Leads to where somebody decides whether to accept a loss of source rows.
    Decide,
}

/// A figure and whether its target is met.
struct Measured {
    name: &'static str,
    value: String,
    tone: &'static str,
    verdict: &'static str,
    target: String,
}

pub(in crate::web) async fn page(
    State(web): State<Web>,
    visit: Visit,
    Parameters(Noticed { notice }): Parameters<Noticed>,
) -> Result<Response, WebFault> {
    let seen = web.views().overview(web.service()).await?;
    let interval = web.service().config.borrow().schedule.refresh_interval_hours;
    let frame = visit.live("", "status");
    Ok(shown(StatusCode::OK, &filled(&seen, frame, notice, interval, &View::of(&web))))
}

fn filled(
    seen: &Overview,
    mut frame: Frame,
    notice: Option<Notice>,
    interval: u32,
    view: &View,
) -> StatusPage {
    let status = &seen.status;
    let verdict = speech::verdict(status, |at| view.moment(at));
    let is_running = status.scheduler == SchedulerState::Running;
    let last: HashMap<Table, &Job> = seen.last_results.iter().map(|job| (job.table, job)).collect();
    // Whoever has many tabs open sees in its title how things are.
    frame.title.clone_from(&verdict.headline);
    StatusPage {
        frame,
        // Only what is so: somebody else may have pressed the other button since.
        notice: match notice {
            Some(Notice::Started) if is_running => Some("The scheduler is started."),
            Some(Notice::Stopped) if !is_running => Some("The scheduler is stopped."),
            _ => None,
        },
        tone: class(worse(verdict.tone, seen.health.health.into())),
        headline: verdict.headline,
        next: verdict.next,
        reasons: seen.health.reasons.iter().map(told).collect(),
        remedy: remedy(status, verdict.tone),
        is_running,
        next_run: status.next_run.map(|at| view.when(at)),
        zone: status.timezone.clone(),
        interval,
        current: status.current_run.as_ref().map(|run| Progressing::of(run, view)),
        queued: status.queued_runs,
        last: status.last_run.as_ref().map(|run| RunRow::of(run, view)),
        figures: speech::figures(&seen.report).into_iter().map(measured).collect(),
        covered: speech::percent(seen.report.readiness.covered),
        tables: tables::rows(&status.tables, &last, view),
        plot: Plot::of(&seen.runs, view),
        failures: failures(&seen.failures, &last, view),
    }
}

fn remedy(status: &StatusReply, tone: Tone) -> Option<Remedy> {
    let is_idle = status.current_run.is_none() && status.queued_runs == 0;
    let is_guarded = status.tables.iter().any(|table| table.state == TableState::Guarded);
    match tone {
        Tone::Warning | Tone::Bad if is_guarded => Some(Remedy::Decide),
        Tone::Warning | Tone::Bad if is_idle => Some(Remedy::Refresh),
        _ => None,
    }
}

/// Tables may be fresh while the daemon has no room left to keep them so.
const fn worse(one: Tone, other: Tone) -> Tone {
    match (one, other) {
        (Tone::Bad, _) | (_, Tone::Bad) => Tone::Bad,
        (Tone::Warning, _) | (_, Tone::Warning) => Tone::Warning,
        _ => one,
    }
}

fn told(reason: &Reason) -> Told {
    // What is only worth knowing is neither good nor bad news.
    let tone = if reason.level == HealthLevel::Healthy { Tone::Plain } else { reason.level.into() };
    Told { tone: class(tone), message: Prose::new(&reason.message), hint: Prose::new(&reason.hint) }
}

fn measured(figure: Figure) -> Measured {
    let Figure { name, value, target } = figure;
    let (value, tone, verdict) = match value {
        Some((value, true)) => (value, Tone::Good, "met"),
        Some((value, false)) => (value, Tone::Bad, "missed"),
        None => ("no data".to_owned(), Tone::Plain, ""),
    };
    Measured { name, value, tone: class(tone), verdict, target }
}
