//! Replaces one group in one short transaction.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::{SerializedEntry, SerializedGroup, StoreError};
use crate::snapshot::{ExistingRow, KeyIndex};
use crate::vms::tables::{Key, TableSpec, stamp_sql};
use crate::vms::{LockMeter, Vms, VmsError};

/// Rows stamped by one statement; two values are bound for each.
const STAMP_BATCH: usize = 500;

/// An entry after the write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEntry {
    /// Its key.
    pub key: Key,
    /// Its row.
    pub id: i64,
    /// The digest of its payload; `None` if its row was known to hold its payload already.
    pub digest: Option<String>,
}

impl WrittenEntry {
    fn of(entry: SerializedEntry, id: i64) -> Self {
        Self { key: entry.key, id, digest: entry.digest }
    }
}

/// Result of writing a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupOutcome {
    /// Entries whose payload was replaced or inserted, and those that were only stamped.
    pub written: Vec<WrittenEntry>,
    /// How many were replaced or inserted.
    pub rebuilt: u64,
    /// How many were stamped.
    pub verified: u64,
    /// Rows that were left alone.
    pub skipped: Vec<ExistingRow>,
    /// How many rows were removed.
    pub pruned: u64,
    /// Entries that another process has written or deleted since the snapshot: left as that process left
    /// them.
    pub contested: Vec<Key>,
}

/// The rows of a table at a snapshot's instant.
#[derive(Debug, Clone, Copy)]
pub struct Existing<'a> {
    /// The rows.
    pub rows: &'a [ExistingRow],
    /// Their index, built once for all groups of the table.
    pub index: &'a KeyIndex,
}

impl<'a> Existing<'a> {
    /// Returns the rows of a key, the one that VMS reads first.
    pub fn of(self, key: &Key) -> impl Iterator<Item = &'a ExistingRow> + use<'a> {
        self.index.rows(self.rows, key)
    }
}

/// Writes `group` over the rows that existed at the snapshot's instant.
///
/// `skip` selects existing rows to leave alone. `stamp` is the `last_updated` of everything written. Rows that
/// another process has changed, added or removed since the snapshot are not changed but named in the
/// outcome: they are newer than the entries of the group, and must not prevent the others from being written.
/// `meter` measures how long the write lock was held, even if the write fails.
pub async fn write_group(
    vms: &Vms,
    spec: &TableSpec,
    group: SerializedGroup,
    existing: Existing<'_>,
    skip: impl Fn(&ExistingRow) -> bool,
    stamp: &str,
    meter: &mut LockMeter<'_>,
) -> Result<GroupOutcome, StoreError> {
    let mut outcome = GroupOutcome::default();
    let (mut changes, mut replace) = (Changes::default(), Vec::new());
    for entry in group.entries {
        let mut rows = existing.of(&entry.key);
        let Some(row) = rows.next() else {
            changes.insert.push(entry);
            continue;
        };
        // Where VMS has no constraint, rows of one key can be many; its readers take the lowest id.
        changes.remove.extend(rows);
        if skip(row) {
            outcome.skipped.push(row.clone());
        } else {
            replace.push((row, entry));
        }
    }
    changes.remove.extend(group.retire.iter().flat_map(|key| existing.of(key)));
    if changes.insert.is_empty() && changes.remove.is_empty() && replace.is_empty() {
        return Ok(outcome);
    }

    let holds = |row: &ExistingRow, entry: &SerializedEntry| {
        entry.is_known() || (row.valid && row.last_updated.is_some() && row.digest == entry.digest)
    };
    (changes.verify, changes.rebuild) = replace.into_iter().partition(|(row, entry)| holds(row, entry));

    let transaction = vms.begin_write().await?;
    let granted = meter.granted();
    let written = Writer { transaction: &transaction, spec, stamp }.apply(changes, &mut outcome).await;
    let ended = match written {
        Ok(()) => transaction.commit().await.map_err(VmsError::of("committing a group")),
        Err(error) => {
            // The rollback is awaited because VMS can write only after it. Its own error is dropped: the
            // error that caused it matters more.
            let _ = transaction.rollback().await;
            Err(error)
        }
    };
    meter.released(granted);
    // SQLite creates its journal with the first change.
    ended.map(|()| outcome).map_err(|error| error.beside(vms.path()).into())
}

/// Changes made by one transaction.
#[derive(Default)]
struct Changes<'a> {
    /// Rows that get a new payload.
    rebuild: Vec<(&'a ExistingRow, SerializedEntry)>,
    /// Rows that only get a new stamp.
    verify: Vec<(&'a ExistingRow, SerializedEntry)>,
    insert: Vec<SerializedEntry>,
    remove: Vec<&'a ExistingRow>,
}

struct Writer<'a> {
    transaction: &'a DatabaseTransaction,
    spec: &'a TableSpec,
    stamp: &'a str,
}

impl Writer<'_> {
    async fn apply(&self, changes: Changes<'_>, outcome: &mut GroupOutcome) -> Result<(), VmsError> {
        for (row, mut entry) in changes.rebuild {
            if self.replace(row, &mut entry).await? {
                outcome.written.push(WrittenEntry::of(entry, row.id));
                outcome.rebuilt += 1;
            } else {
                outcome.contested.push(entry.key);
            }
        }
        let mut stamped = HashSet::new();
        for batch in changes.verify.chunks(STAMP_BATCH) {
            stamped.extend(self.stamp(batch.iter().map(|(row, _)| *row)).await?);
        }
        for (row, entry) in changes.verify {
            if stamped.contains(&row.id) {
                outcome.written.push(WrittenEntry::of(entry, row.id));
                outcome.verified += 1;
            } else {
                outcome.contested.push(entry.key);
            }
        }
        for mut entry in changes.insert {
            // An entry without its payload represents a row that existed.
            let id = if entry.is_known() { None } else { self.insert(&mut entry).await? };
            match id {
                Some(id) => {
                    outcome.written.push(WrittenEntry::of(entry, id));
                    outcome.rebuilt += 1;
                }
                None => outcome.contested.push(entry.key),
            }
        }
        for row in changes.remove {
            outcome.pruned += self.remove(row).await?;
        }
        Ok(())
    }

    async fn run(&self, sql: String, values: Vec<Value>) -> Result<u64, VmsError> {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let result =
            self.transaction.execute_raw(statement).await.map_err(VmsError::of("writing a group"))?;
        Ok(result.rows_affected())
    }

    /// Replaces a row, to which the texts of the entry are moved; false if it is no longer the one of the snapshot.
    async fn replace(&self, row: &ExistingRow, entry: &mut SerializedEntry) -> Result<bool, VmsError> {
        let sets: Vec<String> =
            self.spec.payload.iter().map(|column| format!("\"{}\" = ?", column.name)).collect();
        let sql = format!(
            "UPDATE \"{}\" SET {}, last_updated = ? WHERE id = ? AND {} IS ?",
            self.spec.table,
            sets.join(", "),
            stamp_sql("last_updated")
        );
        let mut values: Vec<Value> = entry.columns.drain(..).map(Value::from).collect();
        values.extend([self.stamp.into(), row.id.into(), row.last_updated.clone().into()]);
        Ok(self.run(sql, values).await? == 1)
    }

    /// Stamps rows; returns the ids of those that are unchanged since the snapshot.
    async fn stamp(&self, rows: impl ExactSizeIterator<Item = &ExistingRow>) -> Result<Vec<i64>, VmsError> {
        const ACTION: &str = "stamping entries";
        let pairs = vec!["(?,?)"; rows.len()].join(",");
        // The list drives the join, so that each row is found by its id: `last_updated` is stored behind the
        // payload, and a scan would read every page of it.
        let sql = format!(
            "UPDATE \"{table}\" SET last_updated = ? FROM (VALUES {pairs}) AS v \
             WHERE \"{table}\".id = v.column1 AND {stored} IS v.column2 RETURNING id",
            table = self.spec.table,
            stored = stamp_sql(&format!("\"{}\".last_updated", self.spec.table))
        );
        let mut values: Vec<Value> = vec![self.stamp.into()];
        for row in rows {
            values.extend([row.id.into(), row.last_updated.clone().into()]);
        }
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let stamped = self.transaction.query_all_raw(statement).await.map_err(VmsError::of(ACTION))?;
        stamped
            .iter()
            .map(|row| row.try_get_by_index(0))
            .collect::<Result<_, _>>()
            .map_err(VmsError::of(ACTION))
    }

    /// Inserts an entry, whose texts are moved to its row, and returns the row's id; `None` if a row with its key
    /// exists by now.
    async fn insert(&self, entry: &mut SerializedEntry) -> Result<Option<i64>, VmsError> {
        let columns: Vec<String> = self
            .spec
            .key
            .iter()
            .copied()
            .chain(self.spec.payload.iter().map(|column| column.name))
            .map(|name| format!("\"{name}\""))
            .collect();
        // NULL key columns defeat VMS's unique constraints, so absence is tested by hand.
        let present: Vec<String> = self.spec.key.iter().map(|key| format!("\"{key}\" IS ?")).collect();
        let present = if present.is_empty() { "1".to_owned() } else { present.join(" AND ") };
        let sql = format!(
            "INSERT INTO \"{table}\" ({}, last_updated) SELECT {} \
             WHERE NOT EXISTS (SELECT 1 FROM \"{table}\" WHERE {present}) RETURNING id",
            columns.join(", "),
            vec!["?"; columns.len() + 1].join(", "),
            table = self.spec.table,
        );
        let mut values: Vec<Value> = entry.key.0.iter().map(Value::from).collect();
        values.extend(entry.columns.drain(..).map(Value::from));
        values.push(self.stamp.into());
        values.extend(entry.key.0.iter().map(Value::from));
        let action = "inserting an entry";
        let row = self
            .transaction
            .query_one_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values))
            .await
            .map_err(VmsError::of(action))?;
        row.map(|row| row.try_get_by_index(0)).transpose().map_err(VmsError::of(action))
    }

    async fn remove(&self, row: &ExistingRow) -> Result<u64, VmsError> {
        let sql = format!(
            "DELETE FROM \"{}\" WHERE id = ? AND {} IS ?",
            self.spec.table,
            stamp_sql("last_updated")
        );
        self.run(sql, vec![row.id.into(), row.last_updated.clone().into()]).await
    }
}
