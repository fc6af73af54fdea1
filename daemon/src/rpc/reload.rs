//! `reload`

use cached_proto::verb::reload::{ChangedKey, ReloadReply, WaitingKey};
use tracing::info;

use super::Service;
use super::caller::Caller;
use crate::config::{Changed, RestartNeeded};

/// Does what a SIGHUP does and tells what came of it.
pub(super) fn reload(service: &Service, caller: &Caller) -> ReloadReply {
    info!("A reload of the configuration was asked for by {caller}");
    let changed = |Changed { key, from, to }| ChangedKey { key, from, to };
    let waits = |RestartNeeded { key, running, wanted }| WaitingKey { key, running, wanted };
    match service.reloader.reload() {
        Ok(reloaded) => ReloadReply {
            reloaded: true,
            changed: reloaded.changed.into_iter().map(changed).collect(),
            waiting: reloaded.waiting.into_iter().map(waits).collect(),
            errors: reloaded.log.into_iter().collect(),
        },
        Err(error) => {
            ReloadReply { reloaded: false, changed: Vec::new(), waiting: Vec::new(), errors: error.lines() }
        }
    }
}
