//! Host names and cookie names.

use std::net::IpAddr;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
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
