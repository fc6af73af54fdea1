//! `notify`

use std::sync::Arc;

use cached_proto::verb::notify::{ChannelResult, NotifyReply};

use super::{Service, health};
use crate::describe::describe;
use crate::notify::{Judge, try_all};
use crate::state::Lane;

/// Sends a test notice through every configured channel.
pub(crate) async fn notify(service: &Service) -> NotifyReply {
    let config = Arc::clone(&service.config.borrow());
    let tried = try_all(&config.notify, &*service.clock).await;
    let channels = tried.into_iter().map(|tried| ChannelResult {
        channel: tried.channel.to_owned(),
        error: tried.result.err().map(|error| describe(&error)),
    });
    NotifyReply { channels: channels.collect() }
}

/// The judge that notices are based on: the verb `health`.
pub(crate) fn judge(service: &Arc<Service>) -> Judge {
    let service = Arc::new(service.on(Lane::Probes));
    Judge::new(move || {
        let service = Arc::clone(&service);
        async move { health::health(&service).await }
    })
}
