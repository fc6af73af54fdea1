//! Secrets: the key of this process, keyed hashes, and the credentials in headers of their own.
//!
//! Hashes are compared in constant time; otherwise an attacker could find one byte by byte.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hmac::{Hmac, KeyInit, Mac};

pub(super) type HmacSha1 = Hmac<sha1::Sha1>;
pub(super) type HmacSha256 = Hmac<sha2::Sha256>;
pub(super) type HmacSha512 = Hmac<sha2::Sha512>;

/// The hash of the message; `None` for a key length that the hash does not accept (those in use accept any).
pub(super) fn hash<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Whether `hash` is the complete hash of the message.
pub(super) fn is_hash<M: Mac + KeyInit>(key: &[u8], message: &[u8], hash: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key).is_ok_and(|mut mac| {
        mac.update(message);
        mac.verify_slice(hash).is_ok()
    })
}

/// A secret number that never leaves this process, generated at every start.
#[derive(Clone)]
pub(super) struct Seal([u8; 32]);

impl Seal {
    /// Generates the key with the kernel's random numbers: the daemon's `Rng` guards against accidents,
    /// while this has to withstand adversaries.
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret number. Never display it.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(hidden)")
    }
}

/// Length of VMS's API tokens: 32 random bytes in hexadecimal digits.
const API_TOKEN_LENGTH: usize = 64;

/// Confirmed tokens that are remembered; an office has a handful.
const MOST_CONFIRMED: usize = 256;

/// The operator's token, kept as a hash under a key of this process: comparing two hashes takes the same time
/// however much of the token was guessed, and however long it is.
pub(super) struct BearerToken {
    seal: Seal,
    hash: Vec<u8>,
}

impl BearerToken {
    pub(super) fn new(token: &str, seal: &Seal) -> Option<Self> {
        Some(Self { seal: seal.clone(), hash: hash::<HmacSha256>(seal.expose(), token.as_bytes())? })
    }

    pub(super) fn is(&self, presented: &str) -> bool {
        is_hash::<HmacSha256>(self.seal.expose(), presented.as_bytes(), &self.hash)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(hidden)")
    }
}

/// API tokens that VMS has confirmed since the start, as hashes: these may be checked with VMS despite the limit.
#[derive(Default)]
pub(super) struct Confirmed(Mutex<HashSet<Vec<u8>>>);

impl Confirmed {
    /// Remembers a token.
    pub(super) fn add(&self, token: &str, seal: &Seal) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_CONFIRMED {
            known.clear();
        }
        known.extend(hash::<HmacSha256>(seal.expose(), token.as_bytes()));
    }

    /// Whether the token was confirmed.
    pub(super) fn has(&self, token: &str, seal: &Seal) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hash::<HmacSha256>(seal.expose(), token.as_bytes()).is_some_and(|hash| known.contains(&hash))
    }
}

/// The value of `Authorization: Bearer`; other schemes, such as a proxy's own login, are ignored. A value
/// that cannot be a token is returned as empty, which is not a valid token either.
pub(super) fn presented_bearer(request: &Parts) -> Option<&str> {
    let header = request.headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = header.split_at_checked(header.iter().position(|&b| b == b' ')?)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"Bearer");
    is_bearer.then(|| std::str::from_utf8(rest).map(str::trim).unwrap_or_default())
}

/// The value of `X-API-Token`, under the same rule.
pub(super) fn presented_api_token(request: &Parts) -> Option<&str> {
    request.headers.get("x-api-token").map(|header| header.to_str().map(str::trim).unwrap_or_default())
}

/// Whether VMS could have issued this token; only then is its database queried.
pub(super) fn may_be_api_token(token: &str) -> bool {
    token.len() == API_TOKEN_LENGTH && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
