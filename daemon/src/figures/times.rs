//! Durations since the state database was created, as histograms for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::{EntityTrait, QuerySelect, sea_query::Expr, sea_query::ExprTrait as _};

use crate::jobs::counters::Measured;
use crate::jobs::model::job;
use crate::state::{Doing, State, StateError};

/// The measurements that do not exceed a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The bound, inclusive.
    pub at_most: Duration,
    /// Cumulative count: includes the measurements of all smaller bounds, as metrics require.
    pub count: u64,
}

/// A histogram of all measurements, across restarts. Work that died with its process is not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Buckets, smallest bound first.
    pub buckets: Vec<Bucket>,
    /// Number of measurements, including those above the largest bound.
    pub count: u64,
    /// Sum of all measured durations.
    pub total: Duration,
}

impl Histogram {
    /// Builds a histogram from the counters.
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

/// Longest hold of VMS's write lock that is still in the history, in seconds.
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
