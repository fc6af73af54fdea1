//! Web addresses.

use std::fmt;
use std::net::Ipv6Addr;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;
use super::super::text::redacted;

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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
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
