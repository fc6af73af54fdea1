//! The computing half of a refresh, which runs on a blocking thread.

use tokio::sync::mpsc;

use super::RefreshError;
use super::table_refresh::{TableRefresh, Timings};
use crate::clock::Clock;
use crate::store::{SerializedGroup, serialize};
use crate::vms::tables::spec;

/// Builds and serializes group after group until the receiver is closed.
pub(super) fn build(
    job: &TableRefresh,
    clock: &dyn Clock,
    groups: &mpsc::Sender<SerializedGroup>,
) -> Result<Timings, RefreshError> {
    let mut timings = Timings::default();
    let mut began = clock.monotonic();
    for group in job.report.build(job.context()) {
        let ready = clock.monotonic();
        timings.build += ready.saturating_sub(began);
        let group = serialize(spec(job.table), &group)?;
        timings.serialize += clock.monotonic().saturating_sub(ready);
        if groups.blocking_send(group).is_err() {
            break;
        }
        began = clock.monotonic();
    }
    Ok(timings)
}
