//! Waits for conditions instead of fixed times.

use std::time::{Duration, Instant};

/// Longest wait; only a failing test waits that long.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Longest pause between two checks of a condition.
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` returns a value.
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    within_timeout(condition).unwrap_or_else(|| panic!("timed out: {what}"))
}

/// Waits until `condition` returns a value, until the timeout.
#[expect(clippy::disallowed_methods, reason = "tests of real processes live in real time")]
pub fn within_timeout<T>(mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    // Most of what is waited for is a process that ends within milliseconds.
    let mut pause = Duration::from_millis(1);
    loop {
        let value = condition();
        if value.is_some() || began.elapsed() >= TIMEOUT {
            return value;
        }
        std::thread::park_timeout(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}
