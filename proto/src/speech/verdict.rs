//! The one-line verdict on the status of all tables.

use super::{Tone, spoken};
use crate::text::one_line;
use crate::time::Timestamp;
use crate::verb::status::StatusReply;
use crate::words::{SchedulerState, Table, TableState};

/// The state of the tables, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How good or bad the state is.
    pub tone: Tone,
    /// The state of the tables: `All 2 tables are fresh`, `1 of 2 tables is stale: dia_events_report_cache`.
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
                format!("{} {} ({})", tables.len(), spoken(state.as_str()), names(tables))
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

fn names(tables: &[Table]) -> String {
    tables.iter().map(|table| table.as_str()).collect::<Vec<_>>().join(", ")
}

fn what_comes_next(reply: &StatusReply, moment: impl FnOnce(Timestamp) -> String) -> String {
    match (&reply.current_run, reply.scheduler, reply.next_run) {
        (Some(run), _, _) => format!("refresh {} is in progress", run.id),
        (None, SchedulerState::Stopped, _) => "the scheduler is stopped".to_owned(),
        (None, SchedulerState::Running, None) => "no refresh is scheduled".to_owned(),
        (None, SchedulerState::Running, Some(next)) => format!("next refresh {}", moment(next)),
    }
}
