//! Constructors for reasons.

use cached_proto::verb::health::Reason;
use cached_proto::words::HealthLevel;

/// For information; no action is needed.
pub(super) fn notice(code: &str, message: String, hint: &str) -> Reason {
    Reason { code: code.to_owned(), level: HealthLevel::Healthy, message, hint: hint.to_owned() }
}

/// Reports are served, but the operator should act.
pub(super) fn degraded(code: &str, message: String, hint: &str) -> Reason {
    Reason { level: HealthLevel::Degraded, ..notice(code, message, hint) }
}

/// Refreshing does not work.
pub(super) fn unhealthy(code: &str, message: String, hint: &str) -> Reason {
    Reason { level: HealthLevel::Unhealthy, ..notice(code, message, hint) }
}
