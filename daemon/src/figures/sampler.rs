//! Looks at the cache tables now and then, so that readiness is known also when nobody asks.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tracing::debug;

use crate::describe::describe;
use crate::rpc::Service;

/// Between two samples; a third of what a sample speaks for, so that one that fails leaves no gap.
const INTERVAL: Duration = Duration::from_mins(10);

/// Takes samples until it is dropped, which it may be at any time.
pub(crate) async fn run(service: Arc<Service>) {
    let mut ended = service.queue.ended();
    loop {
        tokio::select! {
            () = service.clock.sleep(INTERVAL) => {}
            () = ended.next() => {}
        }
        // A database that cannot be looked at is told by `health`; here it is a gap in the samples.
        if let Err(error) = service.sample().await {
            debug!("no sample of readiness: {}", describe(&error));
        }
        let keep = TimeDelta::days(service.config.borrow().state.history_days.into());
        if let Err(error) = service.queue.state().prune_readiness(service.clock.now() - keep).await {
            debug!("samples of readiness stay longer than they should: {}", describe(&error));
        }
    }
}
