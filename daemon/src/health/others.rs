//! Checks for another process that empties or rewrites the tables that the daemon fills.

use cached_proto::verb::health::Reason;

use super::Seen;
use super::reason::degraded;
use crate::watch::wipes::SecondRefresher;

pub(super) fn refresher(seen: &Seen) -> Option<Reason> {
    let first = seen.refreshers.first()?;
    let messages: Vec<String> = seen.refreshers.iter().map(SecondRefresher::message).collect();
    Some(degraded("second_refresher", messages.join("; "), first.hint()))
}
