//! `notify`

use std::sync::Arc;

use cached_proto::fault::Fault;
use cached_proto::verb::notify::{ChannelResult, NotifyReply};
use cached_proto::verb::status::StatusRequest;

use super::{Service, health, status};
use crate::describe::describe;
use crate::notify::{Ask, Machine, Morning, NIGHT, Sources, try_all};
use crate::state::Lane;

/// Most runs that are searched for that of the night, however often the data changed since.
const RUNS: u64 = 500;

/// Sends a test notice through every configured channel.
pub(crate) async fn notify(service: &Service) -> NotifyReply {
    let config = Arc::clone(&service.config.borrow());
    let machine = Machine::of(config.instance());
    let tried = try_all(&config.notify, &machine, &*service.clock).await;
    let channels = tried.into_iter().map(|tried| ChannelResult {
        channel: tried.channel.to_owned(),
        error: tried.result.err().map(|error| describe(&error)),
    });
    NotifyReply { channels: channels.collect() }
}

/// What notices are made of: the verb `health`, and the status with the runs of the night.
pub(crate) fn sources(service: &Arc<Service>) -> Sources {
    let service = Arc::new(service.on(Lane::Probes));
    let health = Ask::new({
        let service = Arc::clone(&service);
        move || {
            let service = Arc::clone(&service);
            async move { health::health(&service).await }
        }
    });
    let morning = Ask::new(move || {
        let service = Arc::clone(&service);
        async move { morning(&service).await }
    });
    Sources { health, morning }
}

async fn morning(service: &Service) -> Morning {
    let health = health::health(service).await;
    let now = service.clock.now();
    let status = status::status(service, &StatusRequest { sizes: false }).await;
    let runs = service.queue.history(now - NIGHT, RUNS).await.map_err(Fault::from);
    match (status, runs) {
        (Ok(status), Ok(runs)) => Morning::of(&status, &runs, health, service.schedule().zone(), now),
        (Err(fault), _) | (_, Err(fault)) => Morning::unknown(&fault.message, health),
    }
}
