//! `history`

use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, HistoryReply, HistoryRequest};

use super::Service;
use crate::jobs::MOST_LISTED;

/// The first page, for clients that do not know pages.
pub(crate) async fn history(service: &Service, request: &HistoryRequest) -> Result<HistoryReply, Fault> {
    let since_seconds = request.since_seconds;
    let first = HistoryPageRequest { since_seconds, before: None, limit: MOST_LISTED };
    Ok(HistoryReply { runs: page(service, &first).await?.runs })
}

pub(crate) async fn page(service: &Service, request: &HistoryPageRequest) -> Result<HistoryPage, Fault> {
    Ok(service.queue.history_page(service.ago(request.since_seconds), request.before, request.limit).await?)
}
