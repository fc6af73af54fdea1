//! Stops and starts all automatic triggers.

use cached_proto::words::{SchedulerState, Trigger};

use crate::jobs::{NewRun, Queue, QueueError};
use crate::refresh::plan;

/// Pauses all automatic triggers. Returns false if they were already paused.
pub async fn stop(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().set_scheduler_state(SchedulerState::Stopped).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Stopped);
    }
    Ok(changed)
}

/// Resumes automatic triggers, and queues a run for tables that became missing or stale during the pause.
/// Returns false if the triggers were not paused.
pub async fn start(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().resume_scheduler(queue.now()).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Running);
        // Do not leave these tables until the next night.
        queue.enqueue(NewRun::new(Trigger::Startup, plan::tables(&[], &[]))).await?;
    }
    Ok(changed)
}
