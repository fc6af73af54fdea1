//! The client's address, behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::request::Parts;

use crate::config::Network;

/// The client's address: the last hop of `X-Forwarded-For` that is not a trusted proxy.
///
/// Each proxy appends the address of its caller, so everything to the left of the first untrusted address may
/// be forged by that client. If the peer itself is not a trusted proxy, the whole header may be.
pub(super) fn client_address(request: &Parts, peer: IpAddr, proxies: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut farthest = peer;
    for header in request.headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(text) = header.to_str() else { return peer };
        for hop in text.rsplit(',').map(str::trim) {
            let Some(address) = hop_address(hop) else { return peer };
            if !is_trusted(address) {
                return address;
            }
            farthest = address;
        }
    }
    farthest
}

/// Parses the address of a hop, which some proxies write with a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}
