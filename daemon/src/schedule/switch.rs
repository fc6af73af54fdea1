//! Switching all automatic triggers off and on.

use cached_proto::words::{SchedulerState, Trigger};

use crate::queue::{NewRun, Queue, QueueError};
use crate::refresh::plan;

/// Pauses every automatic trigger; false when they were paused already.
pub async fn stop(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().set_scheduler_state(SchedulerState::Stopped).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Stopped);
    }
    Ok(changed)
}

/// Lets automatic triggers fire again, and asks for what the pause has left missing or stale; false when they were not
/// paused.
pub async fn start(queue: &Queue) -> Result<bool, QueueError> {
    let changed = queue.state().resume_scheduler(queue.now()).await?;
    if changed {
        queue.announce_scheduler(SchedulerState::Running);
        // It is not left until the next night.
        queue.enqueue(NewRun::new(Trigger::Startup, plan::tables(&[], &[]))).await?;
    }
    Ok(changed)
}
