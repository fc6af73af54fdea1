//! Statements by which VMS changes its own database.

use std::fmt::Write as _;

use cached::vms::tables::{Table, spec};
use cached::vms::time;
use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::op::Op;

/// Number of kinds of imports.
pub(crate) const IMPORTS: u64 = 8;

/// Returns the statements of an import.
pub(crate) fn import(kind: u64, salt: u64) -> String {
    let nth = 2 + salt % 5;
    match kind % IMPORTS {
        0 => {
            format!("UPDATE event_participation SET delivery_hours = {} WHERE id % {nth} = 0", 1 + salt % 90)
        }
        1 => format!("UPDATE event SET title = 'Changed {salt}' WHERE id % {nth} = 0"),
        2 => format!("UPDATE contact SET first_name = 'Name {salt}' WHERE id % {nth} = 0"),
        3 => format!("UPDATE organization SET name = 'Office {salt}' WHERE id = 1 + {}", salt % 4),
        4 => format!(
            "UPDATE event SET status = CASE status WHEN 'COMPLETED' THEN 'CANCELLED' ELSE 'COMPLETED' END \
                      WHERE id % 7 = {}",
            salt % 7
        ),
        5 => format!("UPDATE event SET volunteers_needed = {} WHERE id % {nth} = 0", salt % 9),
        6 => format!(
            "UPDATE event_participation SET status = CASE status WHEN 'Attended' THEN 'No-Show' ELSE 'Attended' END \
                      WHERE id % 7 = {}",
            salt % 7
        ),
        _ => format!("DELETE FROM organization WHERE id = 4 AND {}", salt % 2),
    }
}

/// Deletes nine of ten participations; the deleted rows are kept in another table.
pub(crate) const LOSE: &str = "INSERT INTO put_aside SELECT * FROM event_participation WHERE id % 10; \
                               DELETE FROM event_participation WHERE id % 10";

/// Restores the deleted rows.
pub(crate) const RESTORE: &str =
    "INSERT INTO event_participation SELECT * FROM put_aside; DELETE FROM put_aside";

/// Returns the statement that deletes cache rows.
pub(crate) fn wipe(table: Table, every: u64) -> String {
    format!("DELETE FROM {table} WHERE id % {} = 0", every.max(1))
}

/// Overwrites one row with a payload that no reader accepts, or with one that only the daemon can distinguish
/// from the report.
pub(crate) fn view(vms: &Actor, table: Table, salt: u64, now: DateTime<Utc>) -> Option<String> {
    let ids = vms.texts(&format!("SELECT CAST(id AS TEXT) FROM {table} ORDER BY id"));
    let id = ids.get(usize::try_from(salt).unwrap() % ids.len().max(1))?;
    let stamp = time::to_text(now.naive_utc());
    let mut sets = format!("last_updated = '{stamp}'");
    // A search with custom keywords gives another list; in other tables only a broken row must not stay.
    let payload = if table == Table::RecruitmentCandidatesCache { "[]" } else { "" };
    for column in spec(table).payload.iter().filter(|column| column.json) {
        write!(sets, ", {} = '{payload}'", column.name).unwrap();
    }
    Some(format!("UPDATE {table} SET {sets} WHERE id = {id}"))
}

/// Returns a write of VMS for the middle of the daemon's work.
pub(crate) fn meddling(salt: u64, tables: &[Table]) -> Op {
    let table = tables[usize::try_from(salt / 3).unwrap() % tables.len()];
    match salt % 3 {
        0 => Op::Import { kind: salt / 3, salt },
        1 => Op::Wipe { table, every: 1 + salt % 4 },
        _ => Op::View { table, salt },
    }
}
