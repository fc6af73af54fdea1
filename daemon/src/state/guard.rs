//! What the guard stores from one run to the next.

use std::collections::{BTreeMap, HashMap};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::{guard_count, guarded, instant, known, micros, run};
use super::{Doing, State, StateError};

/// Row counts of one source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCount {
    /// Rows in the last snapshot that was believed.
    pub rows: u64,
    /// Rows in the scheduled runs since then that were held because of this table.
    pub suspect: Option<Suspect>,
    /// When the snapshot that was believed was taken.
    pub taken: DateTime<Utc>,
}

/// The loss that consecutive held scheduled runs have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// Rows of the source table.
    pub rows: u64,
    /// The first of the runs.
    pub run: i64,
}

/// The list because of which a table is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedList {
    /// Name of the list: entry and column, or the table itself.
    pub list: String,
    /// Items that would have been left in it.
    pub items: u64,
}

/// What later runs need to know of a scheduled run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRun {
    /// Its slot.
    pub slot: Option<String>,
    /// When it ended, if it has.
    pub ended: Option<DateTime<Utc>>,
}

/// Why a cache table is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The reason, one line.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The list that would have lost too much, if one of the table's own lists is the reason; `None` if the
    /// source is.
    pub list: Option<GuardedList>,
    /// With a list, the first of the consecutive scheduled runs that saw its loss. Without one, the run that
    /// has since believed the loss of the source.
    pub run: Option<i64>,
}

impl Guarded {
    /// Whether the loss because of which the table was held has since been believed, and the table has not
    /// been refreshed yet.
    pub fn is_believed(&self) -> bool {
        self.list.is_none() && self.run.is_some()
    }
}

fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl State {
    /// The stored counts, by source table.
    pub async fn source_counts(&self) -> Result<BTreeMap<String, SourceCount>, StateError> {
        let rows =
            guard_count::Entity::find().all(self.reader()).await.doing("read the counts of the guard")?;
        let read = |row: guard_count::Model| {
            let suspect = row.suspect.zip(row.suspect_run);
            let suspect = suspect.map(|(rows, run)| Suspect { rows: count(rows), run });
            let rows = count(row.rows);
            (row.source, SourceCount { rows, suspect, taken: instant(row.taken) })
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Replaces the counts of the given source tables; others stay.
    pub async fn keep_source_counts(&self, counts: &BTreeMap<String, SourceCount>) -> Result<(), StateError> {
        if counts.is_empty() {
            return Ok(());
        }
        let rows = counts.iter().map(|(source, counted)| guard_count::ActiveModel {
            source: Set(source.clone()),
            rows: Set(stored(counted.rows)),
            suspect: Set(counted.suspect.map(|suspect| stored(suspect.rows))),
            suspect_run: Set(counted.suspect.map(|suspect| suspect.run)),
            taken: Set(micros(counted.taken)),
        });
        let columns = [
            guard_count::Column::Rows,
            guard_count::Column::Suspect,
            guard_count::Column::SuspectRun,
            guard_count::Column::Taken,
        ];
        guard_count::Entity::insert_many(rows)
            .on_conflict(OnConflict::column(guard_count::Column::Source).update_columns(columns).to_owned())
            .exec_without_returning(&self.write)
            .await
            .doing("keep the counts of the guard")?;
        Ok(())
    }

    /// The tables that are held back.
    pub async fn guarded(&self) -> Result<HashMap<Table, Guarded>, StateError> {
        let rows = guarded::Entity::find().all(self.reader()).await.doing("read which tables are held")?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let table = known(row.table_name)?;
                let list = row.list.map(|list| GuardedList { list, items: count(row.items.unwrap_or(0)) });
                Some((table, Guarded { reason: row.reason, since: instant(row.since), list, run: row.run }))
            })
            .collect())
    }

    /// Records that a table is held back. The `since` of a table that was already held is kept.
    pub async fn hold(&self, table: Table, held: Guarded) -> Result<(), StateError> {
        let row = guarded::ActiveModel {
            table_name: Set(table.as_str().to_owned()),
            reason: Set(held.reason),
            since: Set(micros(held.since)),
            items: Set(held.list.as_ref().map(|list| stored(list.items))),
            list: Set(held.list.map(|list| list.list)),
            run: Set(held.run),
        };
        let columns =
            [guarded::Column::Reason, guarded::Column::List, guarded::Column::Items, guarded::Column::Run];
        guarded::Entity::insert(row)
            .on_conflict(OnConflict::column(guarded::Column::TableName).update_columns(columns).to_owned())
            .exec_without_returning(&self.write)
            .await
            .doing("remember that a table is held")?;
        Ok(())
    }

    /// Reads a scheduled run; `None` once it has been pruned from the history.
    pub async fn held_run(&self, id: i64) -> Result<Option<HeldRun>, StateError> {
        let row = run::Entity::find_by_id(id).one(self.reader()).await.doing("read a run that was held")?;
        Ok(row.map(|row| HeldRun { slot: row.slot, ended: row.ended.map(instant) }))
    }

    /// Records that a run has believed the loss of the source because of which tables are held.
    pub async fn believe(&self, run: i64) -> Result<(), StateError> {
        guarded::Entity::update_many()
            .col_expr(guarded::Column::Run, Expr::value(run))
            .filter(guarded::Column::List.is_null())
            .exec(&self.write)
            .await
            .doing("remember that a loss is believed")?;
        Ok(())
    }

    /// Records that a table is no longer held back.
    pub async fn release(&self, table: Table) -> Result<(), StateError> {
        guarded::Entity::delete_by_id(table.as_str())
            .exec(&self.write)
            .await
            .doing("remember that a table is not held any more")?;
        Ok(())
    }
}
