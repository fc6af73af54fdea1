//! How long things took since the state database was made: histograms for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::{EntityTrait, QuerySelect, sea_query::Expr, sea_query::ExprTrait as _};

use crate::queue::counters::Measured;
use crate::state::entity::job;
use crate::state::{Doing, State, StateError};

/// What took no longer than a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The bound, inclusive.
    pub at_most: Duration,
    /// How many there were; those of the smaller bounds count again, as metrics want it.
    pub count: u64,
}

/// Everything that was measured, over restarts. What died with its process is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// By length, smallest bound first.
    pub buckets: Vec<Bucket>,
    /// All of them, also those above the largest bound.
    pub count: u64,
    /// How long they took together.
    pub total: Duration,
}

impl Histogram {
    /// Reads a histogram out of the counters.
    pub fn of(counters: &BTreeMap<String, u64>, measured: Measured) -> Self {
        let counter = |name: &str| counters.get(name).copied().unwrap_or_default();
        let mut count: u64 = 0;
        let mut up_to = |bound| {
            count = count.saturating_add(counter(&measured.bucket(bound)));
            count
        };
        let buckets =
            measured.bounds().iter().map(|&at_most| Bucket { at_most, count: up_to(Some(at_most)) });
        let buckets = buckets.collect();
        let count = up_to(None);
        Self { buckets, count, total: Duration::from_micros(counter(&measured.micros())) }
    }
}

/// Seconds of the longest hold of VMS's write lock that the history still knows.
pub async fn longest_lock(state: &State) -> Result<f64, StateError> {
    let longest: Option<Option<f64>> = job::Entity::find()
        .select_only()
        .expr(Expr::col(job::Column::LockLongest).max())
        .into_tuple()
        .one(state.reader())
        .await
        .doing("read the longest write lock")?;
    Ok(longest.flatten().unwrap_or_default())
}
