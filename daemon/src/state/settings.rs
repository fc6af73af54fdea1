//! The few things that must survive restarts and are no configuration.

use cached_proto::words::{HealthLevel, SchedulerState};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::entity::{self, setting};
use super::{Doing, State, StateError};

const SCHEDULER: &str = "scheduler";
const CREATED: &str = "created";

impl State {
    /// Whether automatic triggers fire; a new state starts running.
    pub async fn scheduler_state(&self) -> Result<SchedulerState, StateError> {
        scheduler_state(&self.read).await
    }

    /// Switches automatic triggers; false when they were in that state already.
    pub async fn set_scheduler_state(&self, wanted: SchedulerState) -> Result<bool, StateError> {
        let tx = self.begin().await?;
        let changed = scheduler_state(&tx).await? != wanted;
        if changed {
            put(&tx, SCHEDULER, wanted.as_str().to_owned()).await?;
            tx.commit().await.doing("switch the scheduler")?;
        }
        Ok(changed)
    }

    /// Since when this state exists: it has missed nothing that was due before.
    pub async fn created(&self) -> Result<DateTime<Utc>, StateError> {
        let micros = get(&self.read, CREATED).await?.unwrap_or_default();
        let unknown = |value| StateError::UnknownWord { column: "settings.created", value };
        let at = micros.parse().map_err(|_| unknown(micros.clone()))?;
        Ok(entity::instant(at))
    }

    /// Moves the instant of creation: it was taken from a clock that was ahead.
    pub(crate) async fn set_created(&self, at: DateTime<Utc>) -> Result<(), StateError> {
        put(&self.write, CREATED, entity::micros(at).to_string()).await
    }

    /// The health that was last announced over a channel; a new state has announced nothing, as if healthy.
    pub(crate) async fn announced(&self, channel: &str) -> Result<HealthLevel, StateError> {
        match get(&self.read, &announced(channel)).await? {
            Some(word) => entity::word("settings.announced", word),
            None => Ok(HealthLevel::Healthy),
        }
    }

    /// Remembers that it was announced, so that the next start does not repeat it.
    pub(crate) async fn set_announced(&self, channel: &str, level: HealthLevel) -> Result<(), StateError> {
        put(&self.write, &announced(channel), level.as_str().to_owned()).await
    }

    pub(super) async fn remember_creation(&self, now: DateTime<Utc>) -> Result<(), StateError> {
        if get(&self.read, CREATED).await?.is_none() {
            self.set_created(now).await?;
        }
        Ok(())
    }
}

pub(crate) async fn scheduler_state(db: &impl ConnectionTrait) -> Result<SchedulerState, StateError> {
    match get(db, SCHEDULER).await? {
        Some(word) => entity::word("settings.scheduler", word),
        None => Ok(SchedulerState::Running),
    }
}

fn announced(channel: &str) -> String {
    format!("announced.{channel}")
}

async fn get(db: &impl ConnectionTrait, key: &str) -> Result<Option<String>, StateError> {
    let row = setting::Entity::find_by_id(key).one(db).await.doing("read a setting")?;
    Ok(row.map(|row| row.value))
}

async fn put(db: &impl ConnectionTrait, key: &str, value: String) -> Result<(), StateError> {
    setting::Entity::insert(setting::ActiveModel { key: Set(key.to_owned()), value: Set(value) })
        .on_conflict(
            OnConflict::column(setting::Column::Key).update_column(setting::Column::Value).to_owned(),
        )
        .exec_without_returning(db)
        .await
        .doing("keep a setting")?;
    Ok(())
}
