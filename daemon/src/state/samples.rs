//! Observations that are kept for a while: when another process emptied, replaced or rewrote cache
//! tables, and how many of the expected entries VMS's readers would have accepted.

use cached_proto::words::Table;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, DbBackend, EntityTrait, QueryFilter, QueryOrder, Statement,
};

use super::{ErrorContext, State, StateError, count, instant, known, micros, put, stored, table};

table!(wipe, "wipes", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) day: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) hour: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
});
table!(rewrite, "rewrites", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) at: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) table_name: String,
    pub(crate) rows: i64,
});
table!(readiness, "readiness", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) at: i64,
    pub(crate) expected: i64,
    pub(crate) accepted: i64,
});

/// How long wipes are kept.
const KEPT: TimeDelta = TimeDelta::days(14);

/// One table, wiped within one hour of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wipe {
    /// The civil date.
    pub day: NaiveDate,
    /// The civil hour, 0 to 23.
    pub hour: u32,
    /// The table.
    pub table: Table,
}

/// Rows of a table that another process rewrote at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// When they were found.
    pub at: DateTime<Utc>,
    /// The table.
    pub table: Table,
    /// Number of rows.
    pub rows: u64,
}

/// The entries at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadinessSample {
    /// When the sample was taken.
    pub at: DateTime<Utc>,
    /// Entries that should exist.
    pub expected: u64,
    /// Of those, the number that VMS's readers would have accepted.
    pub accepted: u64,
}

impl From<readiness::Model> for ReadinessSample {
    fn from(row: readiness::Model) -> Self {
        Self { at: instant(row.at), expected: count(row.expected), accepted: count(row.accepted) }
    }
}

impl State {
    /// Records that rows of `tables` were rewritten at once, with their numbers, and deletes records more
    /// than two weeks older.
    pub async fn keep_rewrites(
        &self,
        at: DateTime<Utc>,
        tables: &[(Table, usize)],
    ) -> Result<(), StateError> {
        let action = "record that tables were rewritten";
        if tables.is_empty() {
            return Ok(());
        }
        let rows = tables.iter().map(|(table, rows)| rewrite::Model {
            at: micros(at),
            table_name: table.as_str().to_owned(),
            rows: stored(*rows as u64),
        });
        let tx = self.begin().await?;
        put(&tx, rows.collect()).await.context(action)?;
        let old = rewrite::Entity::delete_many().filter(rewrite::Column::At.lt(micros(at - KEPT)));
        old.exec(&tx).await.context(action)?;
        tx.commit().await.context(action)
    }

    /// Rewrites since an instant, oldest first.
    pub async fn rewrites(&self, since: DateTime<Utc>) -> Result<Vec<Rewrite>, StateError> {
        let rows = rewrite::Entity::find()
            .filter(rewrite::Column::At.gte(micros(since)))
            .order_by_asc(rewrite::Column::At)
            .all(self.reader())
            .await
            .context("read when tables were rewritten")?;
        let read = |row: rewrite::Model| {
            Some(Rewrite { at: instant(row.at), table: known(row.table_name)?, rows: count(row.rows) })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Records that `tables` were wiped at a civil date-time, and deletes wipes more than two weeks older.
    pub async fn keep_wipes(&self, at: NaiveDateTime, tables: &[Table]) -> Result<(), StateError> {
        let action = "record that tables were wiped";
        if tables.is_empty() {
            return Ok(());
        }
        let rows = tables.iter().map(|table| wipe::Model {
            day: at.date().to_string(),
            hour: at.hour().into(),
            table_name: table.as_str().to_owned(),
        });
        let tx = self.begin().await?;
        put(&tx, rows.collect()).await.context(action)?;
        wipe::Entity::delete_many()
            .filter(wipe::Column::Day.lt((at.date() - KEPT).to_string()))
            .exec(&tx)
            .await
            .context(action)?;
        tx.commit().await.context(action)
    }

    /// Wipes since a civil date.
    pub async fn wipes(&self, since: NaiveDate) -> Result<Vec<Wipe>, StateError> {
        let rows = wipe::Entity::find()
            .filter(wipe::Column::Day.gte(since.to_string()))
            .all(self.reader())
            .await
            .context("read when tables were wiped")?;
        let wipe = |row: wipe::Model| {
            let hour = u32::try_from(row.hour).unwrap_or_default();
            Some(Wipe { day: row.day.parse().ok()?, hour, table: known(row.table_name)? })
        };
        Ok(rows.into_iter().filter_map(wipe).collect())
    }

    /// Stores a sample, replacing one of the same instant.
    pub async fn keep_readiness(&self, sample: ReadinessSample) -> Result<(), StateError> {
        let ReadinessSample { at, expected, accepted } = sample;
        let row = readiness::Model { at: micros(at), expected: stored(expected), accepted: stored(accepted) };
        put(&self.write, vec![row]).await.context("store a sample of readiness")
    }

    /// The samples since an instant, oldest first.
    pub async fn readiness_since(&self, since: DateTime<Utc>) -> Result<Vec<ReadinessSample>, StateError> {
        let rows = readiness::Entity::find()
            .filter(readiness::Column::At.gte(micros(since)))
            .order_by_asc(readiness::Column::At)
            .all(self.reader())
            .await
            .context("read the samples of readiness")?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// For each of these instants, the last sample before it that is not older than `hold`.
    pub async fn readiness_at(
        &self,
        instants: &[DateTime<Utc>],
        hold: TimeDelta,
    ) -> Result<Vec<Option<ReadinessSample>>, StateError> {
        let action = "read the samples of some instants";
        let mut samples = vec![None; instants.len()];
        if instants.is_empty() {
            return Ok(samples);
        }
        let rows = self.reader().query_all_raw(Self::readiness_statement(instants, hold)).await;
        for row in rows.context(action)? {
            let number = |index| row.try_get_by_index::<i64>(index).context(action);
            let row = readiness::Model { at: number(1)?, expected: number(2)?, accepted: number(3)? };
            let position = usize::try_from(number(0)?).ok();
            if let Some(place) = position.and_then(|position| samples.get_mut(position)) {
                *place = Some(row.into());
            }
        }
        Ok(samples)
    }

    /// One search by key for each instant, however many samples there are.
    pub(crate) fn readiness_statement(instants: &[DateTime<Utc>], hold: TimeDelta) -> Statement {
        let sql = format!(
            "WITH asked (number, since, at) AS (VALUES {}) \
             SELECT asked.number, sample.at, sample.expected, sample.accepted \
             FROM asked CROSS JOIN readiness sample ON sample.at = \
             (SELECT max(at) FROM readiness WHERE at > asked.since AND at <= asked.at)",
            vec!["(?, ?, ?)"; instants.len()].join(", ")
        );
        let values = (0_i64..)
            .zip(instants)
            .flat_map(|(number, &at)| [number, micros(at - hold), micros(at)].map(Into::into));
        Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
    }

    /// Deletes the samples taken before an instant.
    pub async fn prune_readiness(&self, before: DateTime<Utc>) -> Result<u64, StateError> {
        let gone = readiness::Entity::delete_many()
            .filter(readiness::Column::At.lt(micros(before)))
            .exec(&self.write)
            .await;
        Ok(gone.context("prune the samples of readiness")?.rows_affected)
    }
}
