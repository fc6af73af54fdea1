//! Checks the outcome of scheduled maintenance.

use cached_proto::text::one_line;
use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;

pub(super) fn failed(seen: &Seen) -> Option<Reason> {
    let failed = seen.failed_chores.first()?;
    let message =
        format!("maintenance {} of slot {} failed: {}", failed.chore, failed.slot, one_line(&failed.error));
    let hint = "remove the cause; `cachectl maintenance` does it by hand, and the next slot that ends well clears this";
    Some(degraded("maintenance_failed", message, hint))
}
