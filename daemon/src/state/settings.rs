//! Settings that survive restarts but are not configuration, and counters.

use std::collections::BTreeMap;

use cached_proto::words::{HealthLevel, SchedulerState};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, ExprTrait};

use super::{ErrorContext, State, StateError, count, instant, known, micros, put, stored, table};

table!(setting, "settings", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) value: String,
});
table!(counter, "counters", {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) name: String,
    pub(crate) value: i64,
});

const SCHEDULER: &str = "scheduler";
const RESUMED: &str = "scheduler_resumed";
const DELIBERATE_STOP: &str = "leaving";
const CREATED: &str = "created";

impl State {
    /// Whether automatic triggers fire; a new state starts running.
    pub async fn scheduler_state(&self) -> Result<SchedulerState, StateError> {
        scheduler_state(self.reader()).await
    }

    /// Switches automatic triggers on or off; returns false if they were in that state already.
    pub async fn set_scheduler_state(&self, wanted: SchedulerState) -> Result<bool, StateError> {
        let tx = self.begin().await?;
        let changed = scheduler_state(&tx).await? != wanted;
        if changed {
            set(&tx, SCHEDULER, wanted.as_str().to_owned()).await?;
            tx.commit().await.context("switch the scheduler")?;
        }
        Ok(changed)
    }

    /// Lets automatic triggers fire again; returns false if they did already. Slots that were due before `now`
    /// passed during the pause, even if they have not been decided yet.
    pub async fn resume_scheduler(&self, now: DateTime<Utc>) -> Result<bool, StateError> {
        let tx = self.begin().await?;
        let changed = scheduler_state(&tx).await? == SchedulerState::Stopped;
        if changed {
            set(&tx, SCHEDULER, SchedulerState::Running.as_str().to_owned()).await?;
            set(&tx, RESUMED, micros(now).to_string()).await?;
            tx.commit().await.context("start the scheduler")?;
        }
        Ok(changed)
    }

    /// Records that the process is about to stop deliberately: unfinished attempts do not count against their
    /// jobs.
    pub(crate) async fn record_stop(&self) -> Result<(), StateError> {
        set(&self.write, DELIBERATE_STOP, String::new()).await
    }

    /// When this state was created; slots that were due before do not count as missed.
    pub async fn created(&self) -> Result<DateTime<Utc>, StateError> {
        parsed("settings.created", &get(self.reader(), CREATED).await?.unwrap_or_default())
    }

    /// Sets the instant of creation, for example to correct one taken from a clock that was ahead.
    pub(crate) async fn set_created(&self, at: DateTime<Utc>) -> Result<(), StateError> {
        set(&self.write, CREATED, micros(at).to_string()).await
    }

    /// The health that was last announced over a channel; a new state counts as having announced healthy.
    pub(crate) async fn announced(&self, channel: &str) -> Result<HealthLevel, StateError> {
        let level = get(self.reader(), &announced(channel)).await?.and_then(known);
        Ok(level.unwrap_or(HealthLevel::Healthy))
    }

    /// Records that `level` was announced, so that the next start does not repeat it.
    pub(crate) async fn set_announced(&self, channel: &str, level: HealthLevel) -> Result<(), StateError> {
        set(&self.write, &announced(channel), level.as_str().to_owned()).await
    }

    /// The slot of the last morning message over a channel; none if there never was one.
    pub(crate) async fn told(&self, channel: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        let micros = get(self.reader(), &morning(channel)).await?;
        micros.map(|micros| parsed("settings.morning", &micros)).transpose()
    }

    /// Records the slot of a morning message, so that no start sends it again.
    pub(crate) async fn set_told(&self, channel: &str, slot: DateTime<Utc>) -> Result<(), StateError> {
        set(&self.write, &morning(channel), micros(slot).to_string()).await
    }

    /// Adds to a counter, creating it if it does not exist.
    pub async fn bump(&self, name: &str, by: u64) -> Result<(), StateError> {
        bump(&self.write, name, by).await
    }

    /// All counters by name.
    pub async fn counters(&self) -> Result<BTreeMap<String, u64>, StateError> {
        let rows = counter::Entity::find().all(self.reader()).await.context("read the counters")?;
        Ok(rows.into_iter().map(|row| (row.name, count(row.value))).collect())
    }

    pub(super) async fn remember_creation(&self, now: DateTime<Utc>) -> Result<(), StateError> {
        if get(self.reader(), CREATED).await?.is_none() {
            self.set_created(now).await?;
        }
        Ok(())
    }
}

/// Whether automatic triggers fire. A word of another version counts as not set, and is kept until an operator
/// starts or stops the scheduler.
pub(crate) async fn scheduler_state(db: &impl ConnectionTrait) -> Result<SchedulerState, StateError> {
    Ok(get(db, SCHEDULER).await?.and_then(known).unwrap_or(SchedulerState::Running))
}

/// When the scheduler was last started after a pause.
pub(crate) async fn resumed(db: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, StateError> {
    let micros = get(db, RESUMED).await?;
    micros.map(|micros| parsed("settings.scheduler_resumed", &micros)).transpose()
}

/// Whether the previous process stopped deliberately; clears the record.
pub(crate) async fn take_recorded_stop(db: &impl ConnectionTrait) -> Result<bool, StateError> {
    let deleted = setting::Entity::delete_by_id(DELIBERATE_STOP).exec(db).await.context("read a setting")?;
    Ok(deleted.rows_affected > 0)
}

fn parsed(column: &'static str, stored: &str) -> Result<DateTime<Utc>, StateError> {
    let unknown = |_| StateError::UnknownWord { column, value: stored.to_owned() };
    stored.parse().map(instant).map_err(unknown)
}

fn announced(channel: &str) -> String {
    format!("announced.{channel}")
}

fn morning(channel: &str) -> String {
    format!("morning.{channel}")
}

async fn get(db: &impl ConnectionTrait, key: &str) -> Result<Option<String>, StateError> {
    let row = setting::Entity::find_by_id(key).one(db).await.context("read a setting")?;
    Ok(row.map(|row| row.value))
}

async fn set(db: &impl ConnectionTrait, key: &str, value: String) -> Result<(), StateError> {
    put(db, vec![setting::Model { key: key.to_owned(), value }]).await.context("store a setting")
}

/// Adds to a counter in the caller's transaction, so that the count is committed together with the counted change.
pub(crate) async fn bump(db: &impl ConnectionTrait, name: &str, by: u64) -> Result<(), StateError> {
    let by = stored(by);
    let grown = Expr::col((counter::Entity, counter::Column::Value)).add(by);
    counter::Entity::insert(counter::ActiveModel { name: Set(name.to_owned()), value: Set(by) })
        .on_conflict(
            OnConflict::column(counter::Column::Name).value(counter::Column::Value, grown).to_owned(),
        )
        .exec_without_returning(db)
        .await
        .context("count")?;
    Ok(())
}
