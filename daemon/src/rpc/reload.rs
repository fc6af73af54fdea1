//! `reload`

use std::fmt;

use cached_proto::verb::reload::ReloadReply;
use tracing::info;

use super::Service;
use super::caller::Caller;

/// The component that can reload the configuration.
pub(crate) trait Reloads: fmt::Debug + Send + Sync {
    /// Does what a SIGHUP does and returns the result.
    fn reload(&self) -> ReloadReply;
}

pub(super) fn reload(service: &Service, caller: &Caller) -> ReloadReply {
    info!("A reload of the configuration was asked for by {caller}");
    service.reloader.reload()
}
