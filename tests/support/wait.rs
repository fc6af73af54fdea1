//! Waits for conditions instead of fixed times.

use std::time::{Duration, Instant};

/// Longest wait; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits until `condition` returns a value.
#[expect(clippy::disallowed_methods, reason = "tests of real processes live in real time")]
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
