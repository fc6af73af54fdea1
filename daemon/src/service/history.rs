//! `history`

use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest};
use chrono::{DateTime, TimeDelta, Utc};

use super::Service;
use crate::jobs::MOST_LISTED;

/// The first page, for clients that do not know pages.
pub(crate) async fn history(service: &Service, request: &HistoryRequest) -> Result<HistoryReply, Fault> {
    let since_seconds = request.since_seconds;
    let first = HistoryPageRequest { since_seconds, before: None, limit: MOST_LISTED };
    Ok(HistoryReply { runs: page(service, &first).await?.runs })
}

pub(crate) async fn page(service: &Service, request: &HistoryPageRequest) -> Result<HistoryPage, Fault> {
    let since = since(service, request.since_seconds);
    Ok(service.queue.history_page(since, request.before, request.limit).await?)
}

/// The beginning of a window; one that exceeds the range of timestamps means everything.
fn since(service: &Service, seconds: u64) -> DateTime<Utc> {
    i64::try_from(seconds)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|ago| service.clock.now().checked_sub_signed(ago))
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}
