//! `history`

use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryReply, HistoryRequest};
use chrono::{DateTime, TimeDelta, Utc};

use super::Service;

/// Most runs that fit into one answer together with all their jobs.
const MOST: u64 = 5000;

pub(crate) async fn history(service: &Service, request: &HistoryRequest) -> Result<HistoryReply, Fault> {
    // A window that exceeds the range of timestamps means everything.
    let since = i64::try_from(request.since_seconds)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|ago| service.clock.now().checked_sub_signed(ago))
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    Ok(HistoryReply { runs: service.queue.history(since, MOST).await? })
}
