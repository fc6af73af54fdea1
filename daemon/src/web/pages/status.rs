//! `GET status`: the state of everything, at a glance.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cached_present::{Figure, Tone, figures, percent};
use cached_proto::verb::jobs::Job;
use cached_proto::words::{SchedulerState, Table};
use chrono::TimeDelta;

use super::Visit;
use super::failures::{Failures, failures};
use super::frame::Frame;
use super::notice::{Notice, Noticed};
use super::plot::{Plot, RunRow};
use super::run::Progressing;
use super::shown;
use super::tables::{self, TableRow};
use super::verdict::{Remedy, Verdict};
use super::view::{View, When, class};
use crate::web::Web;
use crate::web::extract::Parameters;
use crate::web::fault::WebFault;
use crate::web::views::Overview;

const DAY: TimeDelta = TimeDelta::days(1);

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    frame: Frame,
    notice: Option<&'static str>,
    verdict: Verdict,
    is_running: bool,
    next_run: Option<When>,
    zone: String,
    interval: u32,
    current: Option<Progressing>,
    queued: u64,
    last: Option<RunRow>,
    figures: Vec<Measured>,
    /// The time span for which readiness is known, once it is a day.
    covered: Option<String>,
    tables: Vec<TableRow>,
    plot: Plot,
    failures: Failures,
}

/// A figure, and whether it meets its target.
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
    let (interval, database) = {
        let config = web.service().config.borrow();
        (config.schedule.refresh_interval_hours, config.database.url.to_string())
    };
    let frame = visit.live("", "status");
    Ok(shown(StatusCode::OK, &filled(&seen, frame, notice, interval, &database, &View::of(&web))))
}

fn filled(
    seen: &Overview,
    mut frame: Frame,
    notice: Option<Notice>,
    interval: u32,
    database: &str,
    view: &View,
) -> StatusPage {
    let status = &seen.status;
    let verdict = Verdict::of(status, &seen.health, database, view);
    let is_running = status.scheduler == SchedulerState::Running;
    let last: HashMap<Table, &Job> = seen.last_results.iter().map(|job| (job.table, job)).collect();
    // The state is in the title, for people with many open tabs.
    frame.title.clone_from(&verdict.headline);
    StatusPage {
        frame,
        // Only if still true: another person may have pressed the other button since.
        notice: match notice {
            Some(Notice::Started) if is_running => Some("The scheduler is started."),
            Some(Notice::Stopped) if !is_running => Some("The scheduler is stopped."),
            _ => None,
        },
        verdict,
        is_running,
        next_run: status.next_run.map(|at| view.when(at)),
        zone: status.timezone.clone(),
        interval,
        current: status.current_run.as_ref().map(|run| Progressing::of(run, view)),
        queued: status.queued_runs,
        last: status.last_run.as_ref().map(|run| RunRow::of(run, view)),
        figures: figures(&seen.report).into_iter().map(measured).collect(),
        // Before that, it would only show how short the daemon has existed.
        covered: Some(seen.report.readiness.covered)
            .filter(|_| seen.runs.last().is_some_and(|oldest| view.now - oldest.queued.to_utc() >= DAY))
            .map(percent),
        tables: tables::rows(&status.tables, &last, view),
        plot: Plot::of(&seen.runs, view),
        failures: failures(&seen.failures, &last, view),
    }
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
