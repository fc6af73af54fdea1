//! Networks of trusted proxies.

use std::fmt;
use std::net::IpAddr;

use super::super::setting::Setting;
use super::super::surroundings::Surroundings;

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
    fn parse(text: &str, _: &Surroundings) -> Result<Self, String> {
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
