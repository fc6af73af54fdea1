//! `GET status`: the state of everything, at a glance.

use std::collections::{HashMap, HashSet};

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use cached_present::{Figure, Tone, bytes, duration, extent, figures, lacks, percent, spoken};
use cached_proto::time::Timestamp;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{Outcome, SchedulerState, Table};
use chrono::TimeDelta;

use super::Visit;
use super::jobs::{can_retry, is_guarded};
use super::plot::{Mornings, Plot, RunRow, Trends};
use super::run::Progressing;
use super::verdict::{Remedy, Verdict};
use super::view::{Badge, Name, View, When, class};
use crate::web::answer::WebFault;
use crate::web::app::Web;
use crate::web::extract::Parameters;
use crate::web::frame::{Frame, Notice, Noticed, Prose, shown};
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
    /// How much of its tables the last run computed.
    computed: Option<String>,
    figures: Vec<Measured>,
    /// The time span for which readiness is known, once it is a day.
    covered: Option<String>,
    tables: Vec<TableRow>,
    plot: Plot,
    failures: Failures,
    mornings: Mornings,
    trends: Trends,
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
    let overview = web.views.overview(&web.service).await?;
    let interval = web.service.config.borrow().schedule.refresh_interval_hours;
    let frame = visit.live("", "status");
    Ok(shown(StatusCode::OK, &filled(&overview, frame, notice, interval, &View::of(&web))))
}

fn filled(
    overview: &Overview,
    mut frame: Frame,
    notice: Option<Notice>,
    interval: u32,
    view: &View,
) -> StatusPage {
    let status = &overview.status;
    let verdict = Verdict::of(status, &overview.health, view);
    let is_running = status.scheduler == SchedulerState::Running;
    let last: HashMap<Table, &Job> = overview.last_results.iter().map(|job| (job.table, job)).collect();
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
        computed: extent(&overview.computed),
        figures: figures(&overview.report).into_iter().map(measured).collect(),
        // Before that, it would only show that the daemon is new.
        covered: Some(overview.report.readiness.covered)
            .filter(|_| overview.runs.last().is_some_and(|oldest| view.now - oldest.queued.to_utc() >= DAY))
            .map(percent),
        tables: rows(&status.tables, &last, view),
        plot: Plot::of(&overview.runs, view),
        failures: failures(&overview.failures, &last, view),
        mornings: Mornings::of(&overview.recent, view.now),
        trends: Trends::of(&overview.recent),
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

/// A cache table.
#[derive(Debug)]
pub(super) struct TableRow {
    pub(super) name: Name,
    pub(super) state: Badge,
    /// Number of fresh entries of the expected ones: `19/21`.
    pub(super) fresh: String,
    pub(super) oldest: String,
    pub(super) newest: String,
    pub(super) size: String,
    /// Duration of the last job.
    pub(super) took: String,
    pub(super) notes: Vec<Note>,
}

/// A note below a table.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) text: Prose,
    pub(super) is_bad: bool,
}

impl TableRow {
    fn of(table: &TableStatus, last: Option<&Job>, view: &View) -> Self {
        let is_judged = table.expected > 0;
        let age = |at: Option<Timestamp>| at.map_or_else(String::new, |at| view.when(at).distance);
        let worked = last.filter(|job| job.figures.seconds > 0.0);
        Self {
            name: Name::of(table.table),
            state: Badge::new(spoken(table.state.as_str()), table.state.into()),
            fresh: if is_judged { format!("{}/{}", table.fresh, table.expected) } else { String::new() },
            oldest: age(table.oldest),
            newest: age(table.newest),
            size: table.bytes.filter(|_| is_judged).map_or_else(String::new, bytes),
            took: worked.map_or_else(String::new, |job| duration(job.figures.seconds)),
            notes: notes(table),
        }
    }
}

fn notes(table: &TableStatus) -> Vec<Note> {
    let note = |text: String, is_bad| Note { text: Prose::new(text), is_bad };
    let lacks = lacks(table).map(|text| note(text, false));
    let why = table.note.clone().map(|text| note(text, Tone::from(table.state) == Tone::Bad));
    // The reason why a table is held back is its last error as well.
    let error = table.last_error.as_ref().filter(|error| table.note.as_ref() != Some(error));
    let error = error.map(|error| note(format!("last error: {error}"), true));
    lacks.into_iter().chain(why).chain(error).collect()
}

/// Builds the rows of all tables. A note that one table already has is not repeated for the next ones.
pub(super) fn rows(tables: &[TableStatus], last: &HashMap<Table, &Job>, view: &View) -> Vec<TableRow> {
    let mut shown: Vec<(Prose, &'static str)> = Vec::new();
    let row = |table: &TableStatus| {
        let mut row = TableRow::of(table, last.get(&table.table).copied(), view);
        for note in row.notes.iter_mut().filter(|note| note.is_bad) {
            match shown.iter().find(|(text, _)| *text == note.text) {
                Some((_, first)) => note.text = Prose::new(format!("the same as {first}")),
                None => shown.push((note.text.clone(), row.name.title)),
            }
        }
        row
    };
    tables.iter().map(row).collect()
}

/// Most failures of a kind that are shown.
const SHOWN: usize = 6;

/// Recent failures, the newest first.
#[derive(Debug)]
pub(super) struct Failures {
    /// Failures that may need a person's attention.
    pub(super) open: Vec<Failure>,
    /// Failures whose tables have all ended well since.
    pub(super) resolved: Vec<Failure>,
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
    pub(super) is_resolved: bool,
    /// Whether it was held back by the guard: another attempt alone would end in the same way.
    pub(super) is_guarded: bool,
    /// Target of the form that retries the failure; `None` when nothing is left to retry.
    pub(super) retry: Option<String>,
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.resolved.is_empty()
    }
}

/// Groups failed jobs, the newest first; `newest` has each table's newest job that did not skip every entry. Tables that
/// failed in one run for the same reason are one failure; of a table that fails repeatedly, only the newest counts.
pub(super) fn failures(jobs: &[Job], newest: &HashMap<Table, &Job>, view: &View) -> Failures {
    let is_resolved = |job: &Job| {
        let later = newest.get(&job.table).filter(|newest| newest.id > job.id);
        later.is_some_and(|later| later.outcome.is_some_and(Outcome::is_good))
    };
    let mut counted = HashSet::new();
    let mut groups: Vec<(bool, Vec<&Job>)> = Vec::new();
    for job in jobs.iter().filter(|job| counted.insert(job.table)) {
        let key = (is_resolved(job), job.run, &job.error);
        let alike = |group: &&mut (bool, Vec<&Job>)| {
            group.1.first().is_some_and(|first| (group.0, first.run, &first.error) == key)
        };
        match groups.iter_mut().find(alike) {
            Some((_, group)) => group.push(job),
            None => groups.push((key.0, vec![job])),
        }
    }
    let (resolved, open): (Vec<_>, Vec<_>) = groups.iter().partition(|(is_resolved, _)| *is_resolved);
    let listed = |groups: Vec<&(bool, Vec<&Job>)>| {
        let first = groups.into_iter().take(SHOWN);
        first.filter_map(|(is_resolved, group)| failure(group, *is_resolved, view)).collect()
    };
    Failures { open: listed(open), resolved: listed(resolved) }
}

fn failure(jobs: &[&Job], is_resolved: bool, view: &View) -> Option<Failure> {
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
        state: if is_resolved { Badge { tone: class(Tone::Plain), ..state } } else { state },
        when: view.when(began),
        error: Prose::new(first.error.clone().unwrap_or_default()),
        is_resolved,
        is_guarded: !is_resolved && is_guarded(first),
        retry: Some(retry).filter(|_| !is_resolved && jobs.iter().any(|job| can_retry(job))),
    })
}
