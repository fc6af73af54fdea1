//! What is good and what is bad: the tone of a word, the verdict on the tables, and figures beside their targets.

use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::report::{RefreshTimes, ReportReply};
use cached_proto::verb::status::StatusReply;
use cached_proto::words::{HealthLevel, Outcome, Phase, SchedulerState, Table, TableState};

use crate::wording::{duration, percent, percent_of_bad, spoken};

/// What a word means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The expected state.
    Good,
    /// Needs attention, or is in progress.
    Warning,
    /// Broken.
    Bad,
    /// Neither.
    Plain,
}

impl From<TableState> for Tone {
    fn from(state: TableState) -> Self {
        match state {
            TableState::Fresh => Self::Good,
            TableState::Stale | TableState::Missing | TableState::Incomplete => Self::Warning,
            TableState::Invalid | TableState::Guarded | TableState::Disabled => Self::Bad,
            TableState::Withheld | TableState::Off | TableState::NotApplicable => Self::Plain,
        }
    }
}

impl From<Outcome> for Tone {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Rebuilt | Outcome::Verified | Outcome::Mixed | Outcome::Skipped => Self::Good,
            Outcome::Withheld | Outcome::Off | Outcome::NotApplicable => Self::Plain,
            Outcome::Guarded | Outcome::Disabled | Outcome::Failed => Self::Bad,
        }
    }
}

impl From<HealthLevel> for Tone {
    fn from(level: HealthLevel) -> Self {
        match level {
            HealthLevel::Healthy => Self::Good,
            HealthLevel::Degraded => Self::Warning,
            HealthLevel::Unhealthy => Self::Bad,
        }
    }
}

/// Returns the state of a run or job: its outcome once it has one, its phase before.
pub fn standing(phase: Phase, outcome: Option<Outcome>) -> (String, Tone) {
    match (phase, outcome) {
        (Phase::Running | Phase::Queued, _) => (phase.to_string(), Tone::Warning),
        (Phase::Done, Some(outcome)) => (spoken(outcome.as_str()), outcome.into()),
        (Phase::Done | Phase::Cancelled, _) => (phase.to_string(), Tone::Plain),
    }
}

/// The state of the tables, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How good or bad the state is.
    pub tone: Tone,
    /// The state of the tables: `All 2 tables are fresh`, `1 of 2 tables is stale: dia_events_report_cache`. Names few
    /// tables, so that it stays short.
    pub sentence: String,
    /// The state in a few words: `1 of 2 tables is stale`.
    pub headline: String,
    /// What comes next: `next refresh Mon 23 Nov 02:00 CST`.
    pub next: String,
}

/// Derives the verdict from a status; `moment` formats an instant.
pub fn verdict(reply: &StatusReply, moment: impl FnOnce(Timestamp) -> String) -> Verdict {
    let (tone, headline, details) = match &reply.database_error {
        Some(error) => {
            (Tone::Bad, "The VMS database cannot be read".to_owned(), one_line(error).into_owned())
        }
        None => tables(reply),
    };
    let sentence = if details.is_empty() { headline.clone() } else { format!("{headline}: {details}") };
    Verdict { tone, sentence, headline, next: what_comes_next(reply, moment) }
}

/// Returns the tone, the headline and the details.
fn tables(reply: &StatusReply) -> (Tone, String, String) {
    let judged = reply.tables.iter().filter(|table| is_judged(table.state)).count();
    let bad = by_state(reply);
    let number: usize = bad.iter().map(|(_, tables)| tables.len()).sum();
    let tone = bad.iter().map(|(state, _)| Tone::from(*state)).find(|tone| *tone == Tone::Bad);
    let tone = tone.unwrap_or(Tone::Warning);
    match (judged, bad.as_slice()) {
        (0, _) => (Tone::Warning, "No table is being kept fresh".to_owned(), String::new()),
        (1, []) => (Tone::Good, "The 1 table is fresh".to_owned(), String::new()),
        (_, []) => (Tone::Good, format!("All {judged} tables are fresh"), String::new()),
        (1, [(state, tables)]) => (tone, format!("The 1 table is {}", spoken(state.as_str())), names(tables)),
        (_, [(state, tables)]) => {
            let verb = if number == 1 { "is" } else { "are" };
            let state = spoken(state.as_str());
            (tone, format!("{number} of {judged} tables {verb} {state}"), names(tables))
        }
        (_, several) => {
            let part = |(state, tables): &(TableState, Vec<Table>)| {
                format!("{} {}", tables.len(), spoken(state.as_str()))
            };
            let parts: Vec<String> = several.iter().map(part).collect();
            (tone, format!("{number} of {judged} tables need attention"), parts.join(", "))
        }
    }
}

/// Whether the state counts for the verdict: tables that are left alone on purpose are neither fresh nor a
/// problem.
const fn is_judged(state: TableState) -> bool {
    !matches!(state, TableState::Withheld | TableState::Off | TableState::NotApplicable)
}

/// Returns the states that need attention with their tables, in the order of the vocabulary.
fn by_state(reply: &StatusReply) -> Vec<(TableState, Vec<Table>)> {
    let wants_attention = |state: TableState| is_judged(state) && state != TableState::Fresh;
    TableState::ALL
        .iter()
        .filter(|state| wants_attention(**state))
        .map(|state| {
            let tables = reply.tables.iter().filter(|table| table.state == *state);
            (*state, tables.map(|table| table.table).collect::<Vec<_>>())
        })
        .filter(|(_, tables)| !tables.is_empty())
        .collect()
}

/// Names the tables, unless there are many.
fn names(tables: &[Table]) -> String {
    const FEW: usize = 2;
    if tables.len() > FEW {
        return String::new();
    }
    tables.iter().map(|table| table.as_str()).collect::<Vec<_>>().join(", ")
}

fn what_comes_next(reply: &StatusReply, moment: impl FnOnce(Timestamp) -> String) -> String {
    match (&reply.current_run, reply.scheduler, reply.next_run) {
        (Some(run), _, _) => format!("run {} is in progress", run.id),
        (None, SchedulerState::Stopped, _) => "the scheduler is stopped".to_owned(),
        (None, SchedulerState::Running, None) => "no refresh is scheduled".to_owned(),
        (None, SchedulerState::Running, Some(next)) => format!("next refresh {}", moment(next)),
    }
}

/// A figure, its target, and whether the target is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name: `Success rate`.
    pub name: &'static str,
    /// Its value and whether the target is met; `None` without data.
    pub value: Option<(String, bool)>,
    /// The target: `at least 95.0 %`.
    pub target: String,
}

/// Returns all figures that are measured against a target.
pub fn figures(reply: &ReportReply) -> [Figure; 6] {
    let targets = &reply.targets;
    let share = |value: Option<f64>, shown: fn(f64) -> String, good: &dyn Fn(f64) -> bool| {
        value.map(|v| (shown(v), good(v)))
    };
    let took = |of: fn(&RefreshTimes) -> f64| {
        reply.refresh.map(|times| (duration(of(&times)), of(&times) <= targets.refresh_seconds))
    };
    let (at_least, at_most) = (
        |share: f64| format!("at least {}", percent(share)),
        |share: f64| format!("at most {}", percent(share)),
    );
    let longest = format!("at most {}", duration(targets.refresh_seconds));
    [
        Figure {
            name: "Success rate",
            value: share(reply.success_rate, percent, &|rate| rate >= targets.success_rate),
            target: at_least(targets.success_rate),
        },
        Figure {
            name: "Error rate",
            value: share(reply.error_rate, percent_of_bad, &|rate| rate <= targets.error_rate),
            target: at_most(targets.error_rate),
        },
        Figure { name: "Refresh, average", value: took(|times| times.average), target: longest.clone() },
        Figure { name: "Refresh, median", value: took(|times| times.p50), target: longest.clone() },
        Figure { name: "Refresh, 95 %", value: took(|times| times.p95), target: longest },
        Figure {
            name: "Readiness",
            value: share(reply.readiness.share, percent, &|share| share >= targets.readiness),
            target: at_least(targets.readiness),
        },
    ]
}
