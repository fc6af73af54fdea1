//! Checks whether automatic triggers are enabled.

use cached_proto::verb::health::Reason;
use cached_proto::words::SchedulerState;

use super::Seen;
use super::reason::degraded;

pub(super) fn stopped(seen: &Seen) -> Option<Reason> {
    (seen.scheduler == SchedulerState::Stopped).then(|| {
        let message = "the scheduler is stopped: nothing is refreshed by itself".to_owned();
        degraded("scheduler_stopped", message, "`cachectl start-scheduler` starts it again")
    })
}
