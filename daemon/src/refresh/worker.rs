//! The loop that works on runs, one after the other.

use tokio_util::sync::CancellationToken;

use super::Refresher;
use crate::queue::{Queue, QueueError};

/// Works on queued runs until `stop` is cancelled. A run in progress is finished first: its next write is
/// never more than a group away, and an interrupted one would have to begin anew.
pub async fn work_until(
    queue: &Queue,
    refresher: &Refresher,
    stop: &CancellationToken,
) -> Result<(), QueueError> {
    // Subscribed before the first look, so that nothing queued in between is missed.
    let mut work = queue.work();
    while !stop.is_cancelled() {
        if let Some(claimed) = queue.claim().await? {
            refresher.run(&claimed).await?;
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            arrived = work.arrived() => if !arrived { break },
        }
    }
    Ok(())
}
