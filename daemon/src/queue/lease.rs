//! Leases: the right of one worker to write the results of one run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, IntoActiveModel};

use super::{Queue, QueueError};
use crate::chance::Chance;
use crate::state::Doing;
use crate::state::entity::{micros, run};

/// How long a worker that does not renew is waited for. A kill is noticed at the next start already; this is for a
/// process that holds the state no longer and did not say so.
const TERM: TimeDelta = TimeDelta::minutes(5);

/// A worker renews so often that one or two failures do not cost it its run.
pub const RENEWAL: Duration = Duration::from_mins(1);

/// The right to work on a claimed run. It ends with the run, or when the run is given to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(super) run: i64,
    pub(super) token: String,
}

impl Lease {
    /// A lease that no other one equals.
    pub(super) fn new(run: i64, chance: &dyn Chance) -> Self {
        Self { run, token: format!("{:016x}{:016x}", chance.bits(), chance.bits()) }
    }

    /// The run.
    pub const fn run(&self) -> i64 {
        self.run
    }

    /// The end of a term that begins now.
    pub(super) fn until(now: DateTime<Utc>) -> i64 {
        micros(now).saturating_add(TERM.num_microseconds().unwrap_or(i64::MAX))
    }

    /// The run, if the lease is still the one it is worked on under. An expired one is good as long as nobody else has
    /// taken the run up: work that is done is not thrown away because a machine slept.
    pub(super) async fn held(&self, tx: &DatabaseTransaction) -> Result<run::Model, QueueError> {
        let row = run::Entity::find_by_id(self.run).one(tx).await.doing("read a run")?;
        let row = row.ok_or(QueueError::NoSuchRun(self.run))?;
        if row.lease.as_ref() == Some(&self.token) { Ok(row) } else { Err(QueueError::LeaseLost(self.run)) }
    }
}

impl Queue {
    /// Says that the worker is alive.
    pub async fn renew(&self, lease: &Lease) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        let mut row = lease.held(&tx).await?.into_active_model();
        row.lease_until = Set(Some(Lease::until(self.clock.now())));
        row.update(&tx).await.doing("renew a lease")?;
        tx.commit().await.doing("renew a lease")?;
        Ok(())
    }
}
