//! Samples the cache tables periodically, so that readiness is recorded even without client requests.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use tokio::sync::broadcast;
use tracing::debug;

use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::service::Service;

/// Time between two samples: a third of the time for which a sample is valid, so that one failed sample
/// leaves no gap.
const INTERVAL: Duration = Duration::from_mins(10);

/// Upper bound of the time for a sample, which reads VMS's database and may have to wait for its locks.
const LONGEST_SURVEY: Duration = Duration::from_hours(1);

/// Takes samples until dropped; cancel-safe.
pub(super) async fn run(service: Arc<Service>, heartbeat: Heartbeat) {
    let mut events = service.queue.events();
    loop {
        tokio::select! {
            () = heartbeat.nap(INTERVAL) => {}
            () = run_ended(&mut events) => {}
        }
        heartbeat.beat(LONGEST_SURVEY);
        // `health` reports an unreadable database; here it only leaves a gap in the samples.
        if let Err(error) = service.sample().await {
            debug!("no sample of readiness: {}", describe(&error));
        }
    }
}

/// Waits until a run ends. Several runs that end between two calls may count as one.
async fn run_ended(events: &mut broadcast::Receiver<Progress>) {
    loop {
        match events.recv().await {
            // The missed events may include the end of a run.
            Ok(Progress::RunDone(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
