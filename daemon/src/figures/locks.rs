//! How long VMS's write lock was held since the state database was made: a histogram for metrics.

use std::time::Duration;

use sea_orm::{EntityTrait, QuerySelect, sea_query::Expr, sea_query::ExprTrait as _};

use crate::queue::counters::{LOCK_MICROS, holds};
use crate::state::entity::job;
use crate::state::{Doing, State, StateError};
use crate::vms::HOLD_BOUNDS;

/// Holds up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The bound, inclusive.
    pub at_most: Duration,
    /// How many there were; those of the smaller bounds count again, as metrics want it.
    pub count: u64,
}

/// All holds, over restarts. What an attempt held that died with its process is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct LockHistogram {
    /// By length, smallest bound first.
    pub buckets: Vec<Bucket>,
    /// All of them, also those above the largest bound.
    pub count: u64,
    /// How long they were together.
    pub total: Duration,
    /// Seconds of the longest one that the history still knows.
    pub longest: f64,
}

/// Reads the histogram.
pub async fn locks(state: &State) -> Result<LockHistogram, StateError> {
    let counters = state.counters().await?;
    let counter = |name: &str| counters.get(name).copied().unwrap_or_default();
    let mut count: u64 = 0;
    let mut up_to = |bound| {
        count = count.saturating_add(counter(&holds(bound)));
        count
    };
    let buckets = HOLD_BOUNDS.map(|at_most| Bucket { at_most, count: up_to(Some(at_most)) }).to_vec();
    let count = up_to(None);
    let longest: Option<Option<f64>> = job::Entity::find()
        .select_only()
        .expr(Expr::col(job::Column::LockLongest).max())
        .into_tuple()
        .one(state.reader())
        .await
        .doing("read the longest write lock")?;
    let total = Duration::from_micros(counter(LOCK_MICROS));
    Ok(LockHistogram { buckets, count, total, longest: longest.flatten().unwrap_or_default() })
}
