//! The session cookie of Flask 2.3 (itsdangerous 2.2): `payload.time.signature`, each in URL-safe base64.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use flate2::read::ZlibDecoder;
use serde_json::Value;

use super::cookies::{Verdict, user_id};
use super::mac::{HmacSha1, hash, is_hash};

/// The salt of Flask's key derivation.
const SALT: &[u8] = b"cookie-session";

/// Longest payload, in bytes. A cookie has up to 4 KiB, and decompression may yield a thousand times as much.
const LONGEST: u64 = 64 * 1024;

/// The key that sessions are signed with.
pub(super) struct SessionKey(Vec<u8>);

/// The relevant contents of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contents {
    /// Id of the session's user.
    pub(super) user: Option<i64>,
    /// Whether the user has logged out, so that the remember cookie no longer counts.
    pub(super) logged_out: bool,
}

impl SessionKey {
    /// Derives the key from VMS's `SECRET_KEY`, which Flask encodes as UTF-8.
    pub(super) fn new(secret: &str) -> Option<Self> {
        hash::<HmacSha1>(secret.as_bytes(), SALT).map(Self)
    }

    /// Verifies a cookie. No part of it is parsed before its signature has been verified.
    pub(super) fn read(&self, cookie: &str, lifetime: Duration, now: DateTime<Utc>) -> Verdict<Contents> {
        let Some((signed, signature)) = cookie.rsplit_once('.') else { return Verdict::Forged };
        let genuine = URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| is_hash::<HmacSha1>(&self.0, signed.as_bytes(), &signature));
        if !genuine {
            return Verdict::Forged;
        }
        let contents = signed.rsplit_once('.').and_then(|(payload, time)| {
            let age = now.timestamp().checked_sub(seconds(time)?)?;
            let is_current = u64::try_from(age).is_ok_and(|age| age <= lifetime.as_secs());
            is_current.then(|| contents(payload))?
        });
        contents.map_or(Verdict::Void, Verdict::Sound)
    }
}

/// The user whom a session cookie logs in, if VMS has signed it with this `SECRET_KEY` and it is current: for what
/// tests cookies alone.
pub fn session_user(secret: &str, cookie: &str, lifetime: Duration, now: DateTime<Utc>) -> Option<i64> {
    match SessionKey::new(secret)?.read(cookie, lifetime, now) {
        Verdict::Sound(contents) => contents.user,
        Verdict::Void | Verdict::Forged => None,
    }
}

/// Decodes Unix seconds, big-endian without leading zero bytes.
fn seconds(time: &str) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(time).ok()?;
    let mut whole = [0; 8];
    whole.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    i64::try_from(u64::from_be_bytes(whole)).ok()
}

/// Parses the JSON payload; a leading dot marks it as compressed.
fn contents(payload: &str) -> Option<Contents> {
    let json = match payload.strip_prefix('.') {
        Some(packed) => unpacked(&URL_SAFE_NO_PAD.decode(packed).ok()?)?,
        None => URL_SAFE_NO_PAD.decode(payload).ok()?,
    };
    let session: Value = serde_json::from_slice(&json).ok()?;
    let text = |name| session.get(name).and_then(Value::as_str);
    Some(Contents {
        user: text("_user_id").and_then(user_id),
        logged_out: text("_remember") == Some("clear"),
    })
}

fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let length = ZlibDecoder::new(packed).take(LONGEST + 1).read_to_end(&mut json).ok()?;
    u64::try_from(length).is_ok_and(|length| length <= LONGEST).then_some(json)
}
