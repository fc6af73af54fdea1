//! Host names under which the web interface may be requested.
//!
//! A page on another site can point a host name of its own at this machine (DNS rebinding), and the browser
//! then treats requests to it as same-origin. The `Host` header reveals this.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::config::Http;

/// The host names that belong to us.
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
pub(super) fn names_this_machine(request: &Parts) -> bool {
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
    let header = |value: &axum::http::HeaderValue| value.to_str().ok()?.parse::<Authority>().ok();
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
