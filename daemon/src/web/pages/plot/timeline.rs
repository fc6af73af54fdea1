//! What a run did when: a lane for each of its tables, all on one time axis.

use std::time::Duration;

use cached_present::{count, duration};
use cached_proto::time::Timestamp;
use cached_proto::verb::history::Run;
use cached_proto::verb::jobs::{Attempt, Job};
use cached_proto::words::Phase;
use chrono::{DateTime, Utc};

use super::super::view::{Badge, Name, View};
use super::scaled;

/// Length of the time axis in units of the plot.
const WIDTH: f64 = 1000.0;

/// Lowest length of a bar, so that work that took no time is visible as well.
const LOWEST: f64 = 3.0;

/// Most attempts that are drawn of a table: the newest.
const DRAWN: usize = 50;

/// A run that has begun.
#[derive(Debug)]
pub(in crate::web::pages) struct Timeline {
    pub(in crate::web::pages) lanes: Vec<Lane>,
    /// The time since the run began, at the left end, in the middle and at the right end.
    pub(in crate::web::pages) ticks: [String; 3],
}

/// One table of the run.
#[derive(Debug)]
pub(in crate::web::pages) struct Lane {
    pub(in crate::web::pages) name: Name,
    pub(in crate::web::pages) state: Badge,
    pub(in crate::web::pages) bars: Vec<Bar>,
    /// What the bars show, in words.
    pub(in crate::web::pages) told: String,
    /// Time within the run in which the table was not worked on.
    pub(in crate::web::pages) waited: String,
    pub(in crate::web::pages) computed: String,
    pub(in crate::web::pages) wrote: String,
}

#[derive(Debug)]
pub(in crate::web::pages) struct Bar {
    pub(in crate::web::pages) x: String,
    pub(in crate::web::pages) width: String,
    /// `waiting`, `computing` or `writing`, which differ in height as well.
    pub(in crate::web::pages) kind: &'static str,
}

/// The time axis.
#[derive(Clone, Copy)]
struct Axis {
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Timeline {
    /// `None` before the run has begun.
    pub(in crate::web::pages) fn of(run: &Run, view: &View) -> Option<Self> {
        let begin = run.started?.to_utc();
        let ends = run.jobs.iter().flat_map(|job| &job.attempts).filter_map(|attempt| attempt.ended);
        let is_over = matches!(run.phase, Phase::Done | Phase::Cancelled);
        let now = (!is_over).then_some(view.now);
        let end = ends.chain(run.ended).map(Timestamp::to_utc).chain(now).max()?;
        let axis = Axis { begin, end };
        let lanes = run.jobs.iter().map(|job| Lane::of(job, axis, now)).collect();
        let ticks = [0.0, 0.5, 1.0].map(|share| duration(axis.seconds() * share));
        Some(Self { lanes, ticks })
    }
}

impl Axis {
    fn seconds(self) -> f64 {
        seconds(self.begin, self.end)
    }

    fn bar(self, from: DateTime<Utc>, to: DateTime<Utc>, kind: &'static str) -> Bar {
        let at = |at| scaled(seconds(self.begin, at), self.seconds(), WIDTH);
        let width = (at(to) - at(from)).max(LOWEST);
        let x = at(from).min(WIDTH - width);
        Bar { x: format!("{x:.1}"), width: format!("{width:.1}"), kind }
    }
}

impl Lane {
    fn of(job: &Job, axis: Axis, now: Option<DateTime<Utc>>) -> Self {
        // A job that was cancelled before its first attempt has no known end, and did nothing.
        let is_over = matches!(job.phase, Phase::Done | Phase::Cancelled);
        let last = job.attempts.last().map(|attempt| end_of(attempt, job));
        let end = if is_over { last.flatten() } else { now };
        // Not `sum`, which makes nothing of nothing: `-0.00 s`.
        let worked = job.attempts.iter().fold(0.0, |sum, attempt| sum + work_of(attempt, job, now));
        let wrote = job.write_lock.seconds.min(worked);
        let waited = end.map_or(0.0, |end| seconds(axis.begin, end) - worked).max(0.0);
        let [waited, computed, wrote_text] = [waited, worked - wrote, wrote].map(duration);
        let name = Name::of(job.table);
        let state = Badge::standing(job.phase, job.outcome);
        let attempts = match job.attempts.len() {
            0 | 1 => String::new(),
            many => format!(" in {}", count(many, "attempt")),
        };
        Self {
            told: format!(
                "{}, {}: waited {waited}, computed {computed}, held VMS's write lock {wrote_text}{attempts}",
                name.title, state.word
            ),
            bars: end.map_or_else(Vec::new, |end| bars(job, axis, end, wrote)),
            name,
            state,
            waited,
            computed,
            wrote: wrote_text,
        }
    }
}

/// When work on an attempt ended. The end of one that died with the daemon is not known.
fn end_of(attempt: &Attempt, job: &Job) -> Option<DateTime<Utc>> {
    let died = (job.phase != Phase::Running).then_some(attempt.started);
    attempt.ended.or(died).map(Timestamp::to_utc)
}

fn work_of(attempt: &Attempt, job: &Job, now: Option<DateTime<Utc>>) -> f64 {
    match (attempt.ended, now) {
        (None, Some(now)) if is_in_progress(attempt, job) => seconds(attempt.started.to_utc(), now),
        _ => attempt.seconds,
    }
}

fn is_in_progress(attempt: &Attempt, job: &Job) -> bool {
    job.phase == Phase::Running && job.attempts.last().is_some_and(|last| last.number == attempt.number)
}

/// A thin bar up to the end, and on it one for each attempt. When in an attempt the write lock was held is not recorded,
/// only how long: that is drawn at the end of the newest one.
fn bars(job: &Job, axis: Axis, end: DateTime<Utc>, wrote: f64) -> Vec<Bar> {
    let mut bars = vec![axis.bar(axis.begin, end, "waiting")];
    let drawn = job.attempts.len().saturating_sub(DRAWN);
    for attempt in job.attempts.iter().skip(drawn) {
        let until = if is_in_progress(attempt, job) { Some(end) } else { end_of(attempt, job) };
        let began = attempt.started.to_utc();
        bars.push(axis.bar(began, until.unwrap_or(began), "computing"));
    }
    let last = job.attempts.last().and_then(|last| Some((last.started.to_utc(), last.ended?.to_utc())));
    if let Some((began, ended)) = last.filter(|_| wrote > 0.0) {
        let held = Duration::try_from_secs_f64(wrote).unwrap_or_default();
        bars.push(axis.bar((ended - held).max(began), ended, "writing"));
    }
    bars
}

/// Seconds between two instants; none if the clock was set back in between.
fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64().max(0.0)
}
