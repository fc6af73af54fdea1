//! Advances the time of a daemon with a manual clock.

use std::time::Duration;

use cached::clock::ManualClock;

/// Number of loops of an idle daemon that sleep until time passes: worker, schedule, control socket, lock,
/// top-up, watch, pruning, samples, notify, and two of maintenance.
pub const LOOPS: usize = 11;

/// Timeout that only a hanging loop reaches.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Advances the clock once every loop waits for it, and returns when each has acted on it and waits again.
///
/// # Panics
/// If a loop does not come to rest.
pub async fn pass(clock: &ManualClock, by: Duration) {
    at_rest(clock).await;
    clock.advance(by);
    at_rest(clock).await;
}

async fn at_rest(clock: &ManualClock) {
    tokio::time::timeout(TIMEOUT, clock.sleeping(LOOPS)).await.expect("a loop does not come to rest");
}
