//! Leases: the right of one worker to write the results of one run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, EntityTrait, IntoActiveModel};

use super::{Queue, QueueError};
use crate::chance::Chance;
use crate::state::Doing;
use crate::state::entity::{micros, run};

/// Term of a lease that is not renewed. A killed process is noticed at the next start already; the term is
/// for a process that no longer holds the state and has not reported it.
const TERM: TimeDelta = TimeDelta::minutes(5);

/// Interval of renewals, short enough that one or two failures do not cost a worker its run.
pub const RENEWAL: Duration = Duration::from_mins(1);

/// The right to work on a claimed run. It ends with the run, or when the run is given to another worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub(super) run: i64,
    pub(super) token: String,
}

impl Lease {
    /// Creates a lease with a unique token.
    pub(super) fn new(run: i64, chance: &dyn Chance) -> Self {
        Self { run, token: format!("{:016x}{:016x}", chance.bits(), chance.bits()) }
    }

    /// The leased run.
    pub const fn run(&self) -> i64 {
        self.run
    }

    /// End of a lease term that begins at `now`, in microseconds.
    pub(super) fn until(now: DateTime<Utc>) -> i64 {
        micros(now).saturating_add(TERM.num_microseconds().unwrap_or(i64::MAX))
    }

    /// Returns the run if the lease is still its current one. An expired lease stays valid until another
    /// worker takes the run over: finished work is not thrown away because a machine slept.
    pub(super) async fn held(&self, tx: &DatabaseTransaction) -> Result<run::Model, QueueError> {
        let row = run::Entity::find_by_id(self.run).one(tx).await.doing("read a run")?;
        let row = row.ok_or(QueueError::NoSuchRun(self.run))?;
        if row.lease.as_ref() == Some(&self.token) { Ok(row) } else { Err(QueueError::LeaseLost(self.run)) }
    }
}

impl Queue {
    /// Renews the lease for another term.
    pub async fn renew(&self, lease: &Lease) -> Result<(), QueueError> {
        let tx = self.state.begin().await?;
        let mut row = lease.held(&tx).await?.into_active_model();
        row.lease_until = Set(Some(Lease::until(self.clock.now())));
        row.update(&tx).await.doing("renew a lease")?;
        tx.commit().await.doing("renew a lease")?;
        Ok(())
    }
}
