//! Where a request comes from: the client's address behind proxies, the host that it was sent to, and whether a person
//! meant it or another site's page made it in the browser (CSRF).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::http::header::{HOST, HeaderName, ORIGIN, REFERER};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use super::secrets::{HmacSha256, Seal, hash, is_hash};
use super::visitor::Visitor;
use crate::config::{Http, Network};

/// The address at the other end of a connection, which may be a proxy's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

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

/// The host names that belong to us.
///
/// A page on another site can point a host name of its own at this machine (DNS rebinding), and the browser then treats
/// requests to it as same-origin. The `Host` header reveals this.
#[derive(Debug)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// Whether any IP address is allowed: a server that listens on all addresses has many, and none can be
    /// rebound.
    any_address: bool,
    public: Option<Site>,
}

impl Hosts {
    pub(super) fn new(http: &Http) -> Self {
        let public = http.public_origin.as_ref().and_then(|origin| Site::of_url(origin.as_str()));
        let listen = http.listen.map(|address| address.ip().to_canonical());
        let further = http.hosts.iter().map(|host| canonical(host.as_str()));
        let public_host = public.as_ref().map(|site| site.host.clone());
        Self {
            names: further.chain(public_host).chain(listen.map(|ip| ip.to_string())).collect(),
            any_address: listen.is_some_and(|ip| ip.is_unspecified()),
            public,
        }
    }

    /// Whether the request names a host, and only hosts that belong to us.
    pub(super) fn allow(&self, request: &Parts) -> bool {
        is_named(request, |host| {
            is_this_machine(host)
                || self.names.iter().any(|name| name == host)
                || (self.any_address && host.parse::<IpAddr>().is_ok())
        })
    }

    /// Whether the `Origin` or `Referer` in `url` is the site that this request was sent to.
    pub(super) fn is_own_site(&self, url: &str, request: &Parts) -> bool {
        let Some(site) = Site::of_url(url) else { return false };
        if self.public.as_ref() == Some(&site) {
            return true;
        }
        let is_sent_to = |(host, port): &(String, Option<u16>)| {
            // For the host of the public origin, only that origin counts: a page loaded without encryption
            // may be forged.
            let is_public = self
                .public
                .as_ref()
                .is_some_and(|public| *host == public.host && port.is_none_or(|port| port == public.port));
            !is_public && *host == site.host && port.unwrap_or(site.default_port()) == site.port
        };
        self.allow(request) && authorities(request).is_some_and(|called| called.iter().all(is_sent_to))
    }
}

/// Whether the request was addressed to this machine by a loopback name or address.
fn names_this_machine(request: &Parts) -> bool {
    is_named(request, is_this_machine)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn is_named(request: &Parts, is_allowed: impl Fn(&str) -> bool) -> bool {
    authorities(request).is_some_and(|called| called.iter().all(|(host, _)| is_allowed(host)))
}

/// All hosts that the request names, with their ports; `None` without any, or if one cannot be parsed.
fn authorities(request: &Parts) -> Option<Vec<(String, Option<u16>)>> {
    let header = |value: &HeaderValue| value.to_str().ok()?.parse::<Authority>().ok();
    let headers = request.headers.get_all(HOST).iter().map(header);
    let all = headers.chain(request.uri.authority().cloned().map(Some));
    let called: Option<Vec<_>> = all.map(|authority| host_and_port(&authority?)).collect();
    called.filter(|called| !called.is_empty())
}

fn host_and_port(authority: &Authority) -> Option<(String, Option<u16>)> {
    let text = authority.as_str();
    // Only a port may follow the host; user information in front of it is not allowed.
    let rest = text.strip_prefix(authority.host())?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some((canonical(authority.host()), port)).filter(|(host, _)| !host.is_empty())
}

/// Normalises the spelling of a host.
fn canonical(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase(),
    }
}

/// An origin in the browser's sense: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    encrypted: bool,
    host: String,
    port: u16,
}

impl Site {
    fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let encrypted = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?.parse().ok()?;
        let (host, port) = host_and_port(&authority)?;
        let site = Self { encrypted, host, port: 0 };
        Some(Self { port: port.unwrap_or(site.default_port()), ..site })
    }

    fn default_port(&self) -> u16 {
        if self.encrypted { 443 } else { 80 }
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A token for a hidden field that only this visitor's pages can know: its expiry, and a keyed hash of expiry
/// and visitor.
pub(super) fn form_token(seal: &Seal, visitor: &Visitor, now: DateTime<Utc>, lifetime: Duration) -> String {
    let until = now.timestamp().saturating_add_unsigned(lifetime.as_secs());
    let hash = hash::<HmacSha256>(seal.expose(), message(visitor, until).as_bytes()).unwrap_or_default();
    format!("{until}.{}", URL_SAFE_NO_PAD.encode(hash))
}

/// Whether we issued this token to this visitor, and it has not expired.
pub(super) fn is_form_token(seal: &Seal, visitor: &Visitor, token: &str, now: DateTime<Utc>) -> bool {
    let read = || {
        let (until, hash) = token.split_once('.')?;
        Some((until.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(hash).ok()?))
    };
    read().is_some_and(|(until, hash)| {
        now.timestamp() <= until
            && is_hash::<HmacSha256>(seal.expose(), message(visitor, until).as_bytes(), &hash)
    })
}

/// The message to be hashed. It begins with a word of its own, because the same key also hashes bearer
/// tokens.
fn message(visitor: &Visitor, until: i64) -> String {
    let whom = match visitor {
        Visitor::Admin { user_id: Some(id), .. } | Visitor::NotAdmin { user_id: id } => format!("user {id}"),
        Visitor::Admin { user_id: None, how, .. } => format!("{how:?}"),
        Visitor::Unauthenticated(_) | Visitor::TooMany { .. } => "nobody".to_owned(),
    };
    format!("form for {whom} until {until}")
}

/// Whether the browser's headers show that one of our own pages sent the request.
///
/// A page cannot set any of these headers. `Origin: null` proves nothing: our own forms send it too when the
/// page forbids the browser to send its address.
pub(super) fn is_from_own_page(request: &Parts, hosts: &Hosts) -> bool {
    let header = |name: HeaderName| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = header(ORIGIN);
    let named =
        origin.filter(|&origin| origin != "null").or_else(|| header(REFERER).filter(|_| origin.is_none()));
    match named {
        Some(url) => hosts.is_own_site(url, request),
        None => header(SEC_FETCH_SITE) == Some("same-origin"),
    }
}

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
pub(super) fn may_be_open(http: &Http) -> bool {
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
