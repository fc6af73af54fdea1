//! The cache tables on the status page.

use std::collections::HashMap;

use cached_present::{Tone, bytes, duration, lacks, spoken};
use cached_proto::time::Timestamp;
use cached_proto::verb::jobs::Job;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::Table;

use super::prose::Prose;
use super::view::{Badge, Name, View};

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
        let worked = last.filter(|job| job.seconds > 0.0);
        Self {
            name: Name::of(table.table),
            state: Badge::new(spoken(table.state.as_str()), table.state.into()),
            fresh: if is_judged { format!("{}/{}", table.fresh, table.expected) } else { String::new() },
            oldest: age(table.oldest),
            newest: age(table.newest),
            size: table.bytes.filter(|_| is_judged).map_or_else(String::new, bytes),
            took: worked.map_or_else(String::new, |job| duration(job.seconds)),
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
    let mut said: Vec<(Prose, &'static str)> = Vec::new();
    let row = |table: &TableStatus| {
        let mut row = TableRow::of(table, last.get(&table.table).copied(), view);
        for note in row.notes.iter_mut().filter(|note| note.is_bad) {
            match said.iter().find(|(text, _)| *text == note.text) {
                Some((_, first)) => note.text = Prose::new(format!("the same as {first}")),
                None => said.push((note.text.clone(), row.name.title)),
            }
        }
        row
    };
    tables.iter().map(row).collect()
}
