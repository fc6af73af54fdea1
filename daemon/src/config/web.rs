//! What names something on the web: addresses and networks, URLs and origins, hosts and cookies.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::error::redacted;
use super::process_environment::ProcessEnvironment;
use super::setting::Setting;

/// An `http` or `https` URL. Every way of showing it hides user info and query, which may be credentials; a key whose
/// path may be one is declared as a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// The URL with its credentials, for the request itself. Never show it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which key it belongs to is not known here, so the path is hidden as well.
        let shown = redacted(&self.0);
        let (scheme, rest) = shown.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        write!(f, "Url({scheme}://{host}/…)")
    }
}

impl Setting for Url {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let sound = after_scheme(text).is_some_and(|rest| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            !host.is_empty() && !host.starts_with(':')
        });
        if sound && text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a URL that begins with https:// or http://".to_owned())
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }

    fn carries_secret(&self) -> bool {
        redacted(&self.0) != self.0.as_str()
    }
}

/// Scheme, host and optional port, as a browser sends them in `Origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The origin in lower case, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for WebOrigin {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let origin = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        if after_scheme(&origin).is_some_and(is_host_and_port) {
            Ok(Self(origin))
        } else {
            Err("must be scheme, host and optional port only, such as https://vms.example.org".to_owned())
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.0.clone()))
    }
}

/// Whether the text is a name or an address, optionally with a port.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // Inside the brackets of an IPv6 address.
        Some((_, rest)) if rest.ends_with(']') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_port =
        |port: &str| port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.'),
    };
    is_host && port.is_none_or(is_port)
}

fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))
}

/// An address, or all addresses that share its first bits, as in `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Whether the network contains the address. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (bits(self.address), bits(address.to_canonical())) {
            ((own, width), (other, other_width)) if width == other_width => {
                // A shift by the full width would overflow; no bits in common is always true.
                (own ^ other).checked_shr(width - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The address as a number, and its width in bits.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.address).1 {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.prefix)
        }
    }
}

impl Setting for Network {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let allowed = || "each must be an IP address or a network such as 10.0.0.0/8".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| allowed())?;
        let width = bits(address).1;
        let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| allowed())?;
        match prefix {
            0 => Err("must not be every address there is: then any client could claim to come from anywhere; name the \
                      proxies"
                .to_owned()),
            _ if prefix > width => Err(allowed()),
            _ => Ok(Self { address, prefix }),
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}

/// A host as the `Host` header names it, without a port: lower case, an IPv6 address without its brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for HostName {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self(address.to_string()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if !text.starts_with('.') && text.chars().any(|c| c != '.') && text.chars().all(allowed) {
            Ok(Self(text.trim_end_matches('.').to_ascii_lowercase()))
        } else {
            Err("each must be the name or address of a host without a port, such as vms.example.org"
                .to_owned())
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.0.clone()))
    }
}

/// The name of a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for CookieName {
    fn parse(text: &str, _: &ProcessEnvironment) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if !text.is_empty() && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be the name of a cookie, such as vms_session".to_owned())
        }
    }

    fn show(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.0.clone()))
    }
}
