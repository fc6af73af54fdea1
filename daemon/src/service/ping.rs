//! `ping`

use cached_proto::verb::ping::Pong;

use super::Service;

pub(crate) fn ping(service: &Service) -> Pong {
    Pong {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started: service.started.into(),
    }
}
