//! Looks at the cache tables now and then, so that readiness is known also when nobody asks.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::verb::refresh::Progress;
use tokio::sync::broadcast;
use tracing::debug;

use crate::describe::describe;
use crate::rpc::Service;

/// Between two samples; a third of what a sample speaks for, so that one that fails leaves no gap.
const INTERVAL: Duration = Duration::from_mins(10);

/// Takes samples until it is dropped, which it may be at any time.
pub(super) async fn run(service: Arc<Service>) {
    let mut events = service.queue.events();
    loop {
        tokio::select! {
            () = service.clock.sleep(INTERVAL) => {}
            () = run_ended(&mut events) => {}
        }
        // A database that cannot be looked at is told by `health`; here it is a gap in the samples.
        if let Err(error) = service.sample().await {
            debug!("no sample of readiness: {}", describe(&error));
        }
    }
}

/// Waits until a run ends. Several that end while nobody waits may count as one.
async fn run_ended(events: &mut broadcast::Receiver<Progress>) {
    loop {
        match events.recv().await {
            // What was missed may have been an end.
            Ok(Progress::RunDone(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
