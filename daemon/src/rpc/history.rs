//! `history`

use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest};
use chrono::{DateTime, TimeDelta, Utc};

use super::Service;

/// Most runs that fit into one answer together with all their jobs.
const MOST: u64 = 5000;

/// Most runs of a page. Even runs of all tables, retried several times, are far from the cap of an answer.
const PAGE: u32 = 200;

pub(crate) async fn history(service: &Service, request: &HistoryRequest) -> Result<HistoryReply, Fault> {
    let since = since(service, request.since_seconds);
    Ok(HistoryReply { runs: service.queue.history(since, MOST).await? })
}

pub(crate) async fn page(service: &Service, request: &HistoryPageRequest) -> Result<HistoryPage, Fault> {
    let since = since(service, request.since_seconds);
    let limit = request.limit.clamp(1, PAGE).into();
    Ok(service.queue.history_page(since, request.before, limit).await?)
}

/// The beginning of a window; one that exceeds the range of timestamps means everything.
fn since(service: &Service, seconds: u64) -> DateTime<Utc> {
    i64::try_from(seconds)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|ago| service.clock.now().checked_sub_signed(ago))
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}
