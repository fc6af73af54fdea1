//! Viewing without logging in, for clients on this machine.

use std::net::IpAddr;

use axum::http::Version;
use axum::http::request::Parts;

use super::hosts::names_this_machine;
use crate::config::Http;

/// Headers that reveal proxies and tunnels, besides `X-Forwarded-…`.
const FORWARDING: [&str; 15] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "fastly-client-ip",
    "x-original-forwarded-for",
    "x-envoy-external-address",
    "x-azure-clientip",
    "fly-client-ip",
    "proxy-client-ip",
    "x-original-host",
    "cdn-loop",
];

/// Whether the configuration permits open viewing.
pub(super) fn is_possible(http: &Http) -> bool {
    let is_local = http.listen.is_some_and(|address| address.ip().to_canonical().is_loopback());
    http.open_viewing && is_local && http.trusted_proxies.is_empty()
}

/// Whether there is no sign that a proxy forwarded this request from elsewhere.
///
/// A proxy that adds no header is indistinguishable from a local client, if it also rewrites the host. nginx
/// does both by default when only `proxy_pass` is configured; it then speaks HTTP/1.0, which no browser has
/// spoken for decades, and neither does curl unless asked to. The configuration still has to ensure that
/// there is no proxy at all.
pub(super) fn is_direct(request: &Parts, peer: IpAddr) -> bool {
    let is_forwarding = |name: &str| name.starts_with("x-forwarded") || FORWARDING.contains(&name);
    peer.to_canonical().is_loopback()
        && request.version >= Version::HTTP_11
        && names_this_machine(request)
        && !request.headers.keys().any(|name| is_forwarding(name.as_str()))
}
