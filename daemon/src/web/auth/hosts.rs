//! Under which names the web side may be called.
//!
//! A page elsewhere can point a name of its own at this machine (DNS rebinding), and the browser then sends it here as
//! if it were at home. The `Host` header gives that away.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::config::Http;

/// The names that are ours.
#[derive(Debug)]
pub(super) struct Hosts {
    names: Vec<String>,
    /// Whether any address will do: who listens on all of them has many, and none of them can be rebound.
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

    /// Whether the request names its host, and names only ours.
    pub(super) fn allow(&self, request: &Parts) -> bool {
        is_named(request, |host| {
            is_this_machine(host)
                || self.names.iter().any(|name| name == host)
                || (self.any_address && host.parse::<IpAddr>().is_ok())
        })
    }

    /// Whether an `Origin` or `Referer` is the site that this request was sent to.
    pub(super) fn is_own_site(&self, url: &str, request: &Parts) -> bool {
        let Some(site) = Site::of_url(url) else { return false };
        if self.public.as_ref() == Some(&site) {
            return true;
        }
        let is_sent_to = |(host, port): &(String, Option<u16>)| {
            // Where the public site is, only that will do: a page that came there unencrypted may be anybody's.
            let is_public = self
                .public
                .as_ref()
                .is_some_and(|public| *host == public.host && port.is_none_or(|port| port == public.port));
            !is_public && *host == site.host && port.unwrap_or(site.default_port()) == site.port
        };
        self.allow(request) && authorities(request).is_some_and(|called| called.iter().all(is_sent_to))
    }
}

/// Whether the request was sent to this machine by a name for the machine itself.
pub(super) fn names_this_machine(request: &Parts) -> bool {
    is_named(request, is_this_machine)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn is_named(request: &Parts, is_allowed: impl Fn(&str) -> bool) -> bool {
    authorities(request).is_some_and(|called| called.iter().all(|(host, _)| is_allowed(host)))
}

/// Every host that the request names, with its port: at least one; none if any cannot be read.
fn authorities(request: &Parts) -> Option<Vec<(String, Option<u16>)>> {
    let header = |value: &axum::http::HeaderValue| value.to_str().ok()?.parse::<Authority>().ok();
    let headers = request.headers.get_all(HOST).iter().map(header);
    let all = headers.chain(request.uri.authority().cloned().map(Some));
    let called: Option<Vec<_>> = all.map(|authority| host_and_port(&authority?)).collect();
    called.filter(|called| !called.is_empty())
}

fn host_and_port(authority: &Authority) -> Option<(String, Option<u16>)> {
    let text = authority.as_str();
    // What follows the host is a port or nothing; a user in front has no business here.
    let rest = text.strip_prefix(authority.host())?;
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok()?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some((canonical(authority.host()), port)).filter(|(host, _)| !host.is_empty())
}

/// One way of writing for each host.
fn canonical(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase(),
    }
}

/// What browsers keep apart from everything else: scheme, host and port.
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
