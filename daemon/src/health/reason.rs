//! How reasons are made.

use cached_proto::verb::health::{HealthReply, Reason};
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

/// The judgement when the daemon's own database fails, so that there is nothing to judge by.
pub fn state_unusable(error: String) -> HealthReply {
    let hint =
        "check free space (`df -h`) and the rights of the state database, then look at the log of cached";
    let reason = unhealthy("state_unusable", error, hint);
    HealthReply { health: reason.level, reasons: vec![reason] }
}
