//! How reasons are made.

use cached_proto::verb::health::Reason;
use cached_proto::words::HealthLevel;

/// Worth knowing, and nothing to act on.
pub(super) fn notice(code: &str, message: String, hint: &str) -> Reason {
    Reason { code: code.to_owned(), level: HealthLevel::Healthy, message, hint: hint.to_owned() }
}

/// Reports are served, but somebody should look.
pub(super) fn degraded(code: &str, message: String, hint: &str) -> Reason {
    Reason { level: HealthLevel::Degraded, ..notice(code, message, hint) }
}

/// Refreshing cannot work.
pub(super) fn unhealthy(code: &str, message: String, hint: &str) -> Reason {
    Reason { level: HealthLevel::Unhealthy, ..notice(code, message, hint) }
}
