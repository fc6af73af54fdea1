//! The cache tables of VMS: their columns, and what VMS's readers require of a row.

mod key;
mod specs;

use sea_orm::Value;

pub use cached_proto::words::Table;
pub use key::{Key, KeyValue};
pub use specs::{HOST_FILTER, spec};

/// A cache table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSpec {
    /// The table.
    pub table: Table,
    /// Its title, for people who do not know its name.
    pub title: &'static str,
    /// The columns by which VMS's readers look a row up.
    pub key: &'static [&'static str],
    /// The key columns that hold integers; the others hold text.
    pub integers: &'static [&'static str],
    /// The other columns that the report fills.
    pub payload: &'static [PayloadColumn],
    /// What VMS stores in `last_updated`.
    pub stamps: StampZone,
    /// Age from which VMS's reader rejects a row; `None` if it does not check the age.
    pub reader_limit_hours: Option<u32>,
    /// JSON paths without which a reader rejects the row or breaks on it.
    pub required: &'static [Required],
    /// Whether the first key column names the year that a row belongs to; without one the row is of a window
    /// of days.
    pub has_years: bool,
    /// A key column, by its position, and its value in all rows that a refresh generates. Rows with another value
    /// are VMS's own: it generates them, and shows them whatever their age.
    pub fixed: Option<(usize, &'static str)>,
    /// VMS's uses of the table besides reading its rows.
    pub habits: &'static [Habit],
}

/// A use that VMS makes of a table besides reading its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Newer versions of VMS have dropped it.
    Drops,
    /// A missing row is computed on view for so long that another process may insert it meanwhile, and that
    /// makes the page fail. VMS's other pages compute faster than that, or check again before they insert.
    ComputesOnView,
    /// Viewing the page with custom parameters stores another payload for all users, which the row does
    /// not show.
    VariesByView,
    /// VMS's own refresher empties the table. VMS's imports do that as well, and delete the current year of all
    /// other tables.
    Empties,
}

/// A column that a report fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadColumn {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds JSON; otherwise it is plain text.
    pub json: bool,
}

/// A path that must be present in a JSON column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Required {
    /// The column.
    pub column: &'static str,
    /// Top-level key in it; the empty string only requires that the column is a JSON container.
    pub member: &'static str,
}

/// The clock by which `last_updated` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampZone {
    /// Naive UTC.
    Utc,
    /// Naive UTC, except in rows of VMS's, which may carry local time of its process.
    UtcOrLocal,
    /// Naive local time of VMS's process.
    Local,
}

/// Returns SQL for the text of a stamp, as it is read and compared. SQLite stores any value it is given, so a
/// value that cannot be a stamp is converted to hexadecimal digits: bytes that are not text then cost one row
/// and not the run.
pub fn stamp_sql(column: &str) -> String {
    format!(
        "CASE WHEN {column} GLOB '*[^ -~]*' OR instr(CAST({column} AS BLOB), x'00') \
         THEN hex({column}) ELSE CAST({column} AS TEXT) END"
    )
}

/// Rows that one statement names by id; well below SQLite's limit on bound values.
const IDS: usize = 500;

/// Returns clauses that select rows by `id`, each with its values.
pub fn by_ids(ids: &[i64]) -> impl Iterator<Item = (String, Vec<Value>)> {
    ids.chunks(IDS).map(|ids| {
        let marks = vec!["?"; ids.len()].join(",");
        (format!("WHERE id IN ({marks})"), ids.iter().map(|&id| id.into()).collect())
    })
}

impl TableSpec {
    /// Whether VMS uses the table in this way.
    pub fn has(&self, habit: Habit) -> bool {
        self.habits.contains(&habit)
    }

    /// Returns SQL for the bytes of a row's payload. Lengths are stored at the beginning of a row, so no payload
    /// is read for them.
    pub fn bytes_sql(&self) -> String {
        let lengths =
            self.payload.iter().map(|column| format!("coalesce(octet_length(\"{}\"), 0)", column.name));
        lengths.collect::<Vec<_>>().join(" + ")
    }

    /// Returns SQL for the payload columns as text, in the order of the description.
    pub fn payload_sql(&self) -> String {
        let columns = self.payload.iter().map(|column| format!("CAST(\"{}\" AS TEXT)", column.name));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// All columns that a refresh reads or writes.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        ["id", "last_updated"]
            .into_iter()
            .chain(self.key.iter().copied())
            .chain(self.payload.iter().map(|column| column.name))
    }
}
