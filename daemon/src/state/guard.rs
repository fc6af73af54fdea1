//! The data that the guard stores between runs.

use std::collections::{BTreeMap, HashMap};

use cached_proto::words::Table;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{ErrorContext, State, StateError, count, instant, known, micros, put, stored, table};

table!(guard_count, "guard_counts", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) source: String,
    pub(crate) rows: i64,
    pub(crate) suspect: Option<i64>,
    pub(crate) suspect_run: Option<i64>,
    pub(crate) taken: i64,
});
table!(guarded, "guarded", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    pub(crate) reason: String,
    pub(crate) since: i64,
    pub(crate) believed: Option<i64>,
});
table!(guarded_list, "guarded_lists", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) list: String,
    pub(crate) items: i64,
    pub(crate) run: Option<i64>,
});

/// Row counts of one source table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCount {
    /// Rows in the last accepted snapshot.
    pub rows: u64,
    /// Rows in the scheduled runs since then that were held because of this table.
    pub suspect: Option<Suspect>,
    /// When the last accepted snapshot was taken.
    pub taken: DateTime<Utc>,
}

/// The loss that consecutive held scheduled runs have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspect {
    /// Rows of the source table.
    pub rows: u64,
    /// The first of the runs.
    pub run: i64,
}

/// A list for which a group is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedList {
    /// Name of the list: entry and column, or the year whose entries were counted.
    pub list: String,
    /// Items that would have been left in it.
    pub items: u64,
    /// The first of the consecutive scheduled runs that found the loss; `None` until one has.
    pub run: Option<i64>,
}

/// Why a cache table is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// The reason, one line.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The lists that would have lost too much; empty if the whole table is held because of its source.
    pub lists: Vec<GuardedList>,
    /// The run that has since accepted the loss of the source; the table has not been refreshed yet.
    pub accepted: Option<i64>,
}

impl State {
    /// The stored counts, by source table.
    pub async fn source_counts(&self) -> Result<BTreeMap<String, SourceCount>, StateError> {
        let rows =
            guard_count::Entity::find().all(self.reader()).await.context("read the counts of the guard")?;
        let read = |row: guard_count::Model| {
            let suspect = row.suspect.zip(row.suspect_run);
            let suspect = suspect.map(|(rows, run)| Suspect { rows: count(rows), run });
            let rows = count(row.rows);
            (row.source, SourceCount { rows, suspect, taken: instant(row.taken) })
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Replaces the counts of the given source tables and keeps the others.
    pub async fn keep_source_counts(&self, counts: &BTreeMap<String, SourceCount>) -> Result<(), StateError> {
        let rows = counts.iter().map(|(source, counted)| guard_count::Model {
            source: source.clone(),
            rows: stored(counted.rows),
            suspect: counted.suspect.map(|suspect| stored(suspect.rows)),
            suspect_run: counted.suspect.map(|suspect| suspect.run),
            taken: micros(counted.taken),
        });
        put(&self.write, rows.collect()).await.context("store the counts of the guard")
    }

    /// The tables that are held back.
    pub async fn guarded(&self) -> Result<HashMap<Table, Guarded>, StateError> {
        const ACTION: &str = "read which tables are held";
        let held = guarded::Entity::find().all(self.reader()).await.context(ACTION)?;
        let mut lists: HashMap<String, Vec<GuardedList>> = HashMap::new();
        for row in guarded_list::Entity::find().all(self.reader()).await.context(ACTION)? {
            let list = GuardedList { list: row.list, items: count(row.items), run: row.run };
            lists.entry(row.table_name).or_default().push(list);
        }
        Ok(held
            .into_iter()
            .filter_map(|row| {
                let lists = lists.remove(&row.table_name).unwrap_or_default();
                let table = known(row.table_name)?;
                let (reason, since) = (row.reason, instant(row.since));
                Some((table, Guarded { reason, since, lists, accepted: row.believed }))
            })
            .collect())
    }

    /// Records that a table, or some of its groups, are held back, replacing the previous record. The
    /// `since` of a table that was already held is kept.
    pub async fn hold(&self, table: Table, held: Guarded) -> Result<(), StateError> {
        const ACTION: &str = "record that a table is held";
        let name = table.as_str().to_owned();
        let lists = held.lists.into_iter().map(|list| guarded_list::Model {
            table_name: name.clone(),
            list: list.list,
            items: stored(list.items),
            run: list.run,
        });
        let tx = self.begin().await?;
        let before = guarded::Entity::find_by_id(name.as_str()).one(&tx).await.context(ACTION)?;
        let row = guarded::Model {
            table_name: name.clone(),
            reason: held.reason,
            since: before.map_or(micros(held.since), |before| before.since),
            believed: held.accepted,
        };
        put(&tx, vec![row]).await.context(ACTION)?;
        let of_table = guarded_list::Column::TableName.eq(name.as_str());
        guarded_list::Entity::delete_many().filter(of_table).exec(&tx).await.context(ACTION)?;
        put(&tx, lists.collect()).await.context(ACTION)?;
        tx.commit().await.context(ACTION)
    }

    /// Records that a run has accepted the loss of the source for which tables are held.
    pub async fn accept_loss(&self, run: i64) -> Result<(), StateError> {
        let of_lists =
            Query::select().column(guarded_list::Column::TableName).from(guarded_list::Entity).to_owned();
        guarded::Entity::update_many()
            .col_expr(guarded::Column::Believed, Expr::value(run))
            .filter(guarded::Column::TableName.not_in_subquery(of_lists))
            .exec(&self.write)
            .await
            .context("record that a loss is accepted")?;
        Ok(())
    }

    /// Records that a table is no longer held back.
    pub async fn release(&self, table: Table) -> Result<(), StateError> {
        const ACTION: &str = "record that a table is no longer held";
        // Its lists are deleted with it.
        guarded::Entity::delete_by_id(table.as_str()).exec(&self.write).await.context(ACTION)?;
        Ok(())
    }
}
