//! `reload`

use std::sync::Arc;

use cached_proto::verb::reload::ReloadReply;
use tracing::info;

use super::{Caller, Service};
use crate::describe::describe;

pub(crate) async fn reload(service: &Service, caller: &Caller) -> ReloadReply {
    info!("Reload of the configuration requested by {caller}");
    let component = Arc::clone(&service.reloader);
    // Reads files, and compiles their contents.
    let reply = tokio::task::spawn_blocking(move || component.reload()).await;
    reply.unwrap_or_else(|error| ReloadReply {
        reloaded: false,
        changed: Vec::new(),
        waiting: Vec::new(),
        errors: vec![describe(&error)],
    })
}
