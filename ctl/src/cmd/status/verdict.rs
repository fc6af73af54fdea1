//! The one line that an operator can read aloud.

use cached_proto::verb::status::StatusReply;
use cached_proto::words::{SchedulerState, Table, TableState};

use super::database_error;
use crate::output::style::{Tone, spoken};
use crate::output::{View, time};

/// `All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST`, or what is not.
pub(super) fn verdict(reply: &StatusReply, view: &View) -> String {
    let (tone, sentence) = match database_error(reply) {
        Some(error) => (Tone::Bad, format!("The VMS database cannot be read: {error}")),
        None => tables(reply),
    };
    format!("{}; {}", view.style.paint(tone, &sentence), what_comes_next(reply, view))
}

fn tables(reply: &StatusReply) -> (Tone, String) {
    let judged = reply.tables.iter().filter(|table| is_judged(table.state)).count();
    let bad = by_state(reply);
    let number: usize = bad.iter().map(|(_, tables)| tables.len()).sum();
    let tone = bad.iter().map(|(state, _)| Tone::from(*state)).find(|tone| *tone == Tone::Bad);
    let tone = tone.unwrap_or(Tone::Warning);
    match (judged, bad.as_slice()) {
        (0, _) => (Tone::Warning, "No table is being kept fresh".to_owned()),
        (1, []) => (Tone::Good, "The 1 table is fresh".to_owned()),
        (_, []) => (Tone::Good, format!("All {judged} tables are fresh")),
        (1, [(state, tables)]) => {
            (tone, format!("The 1 table is {}: {}", spoken(state.as_str()), names(tables)))
        }
        (_, [(state, tables)]) => {
            let verb = if number == 1 { "is" } else { "are" };
            let (state, names) = (spoken(state.as_str()), names(tables));
            (tone, format!("{number} of {judged} tables {verb} {state}: {names}"))
        }
        (_, several) => {
            let parts: Vec<String> = several
                .iter()
                .map(|(state, tables)| {
                    format!("{} {} ({})", tables.len(), spoken(state.as_str()), names(tables))
                })
                .collect();
            (tone, format!("{number} of {judged} tables need attention: {}", parts.join(", ")))
        }
    }
}

/// Tables that are left alone on purpose are neither fresh nor a problem.
const fn is_judged(state: TableState) -> bool {
    !matches!(state, TableState::Withheld | TableState::Off | TableState::NotApplicable)
}

/// The states that want attention with their tables, in the order of the vocabulary.
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

fn what_comes_next(reply: &StatusReply, view: &View) -> String {
    match (&reply.current_run, reply.scheduler, reply.next_run) {
        (Some(run), _, _) => format!("run {} is in progress", run.id),
        (None, SchedulerState::Stopped, _) => "the scheduler is stopped".to_owned(),
        (None, SchedulerState::Running, None) => "no refresh is scheduled".to_owned(),
        (None, SchedulerState::Running, Some(next)) => format!("next refresh {}", time::moment(next, view)),
    }
}
