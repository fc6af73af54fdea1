//! VMS's cookies, verified as VMS itself does.
//!
//! The session cookie is that of Flask 2.3 (itsdangerous 2.2): `payload.time.signature`, each in URL-safe base64. The
//! remember cookie is that of Flask-Login 0.6: `id|signature`; it has no timestamp and is valid for as long as VMS's key.

use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::request::Parts;
use base16ct::lower::decode_vec;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use cookie::Cookie;
use flate2::read::ZlibDecoder;
use serde_json::Value;

use super::secrets::{HmacSha1, HmacSha512, hash, is_hash};
use crate::config::Http;

/// The result of verifying a signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict<T> {
    /// Signed by VMS, and valid.
    Sound(T),
    /// Signed by VMS, but expired or without a user; or impossible to verify.
    Void,
    /// Not signed by VMS.
    Forged,
}

/// Names and keys of VMS's cookies.
pub(super) struct Cookies {
    session: String,
    session_key: SessionKey,
    lifetime: Duration,
    remember: Option<(String, RememberKey)>,
}

/// The contents of a request's cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    /// `None` without such a cookie. `Sound` with its user, if it names one.
    pub(super) session: Option<Verdict<Option<i64>>>,
    /// `None` without such a cookie, or if it must be ignored because its owner has logged out.
    pub(super) remember: Option<Verdict<i64>>,
}

impl Cookies {
    /// `None` without VMS's key.
    pub(super) fn new(http: &Http) -> Option<Self> {
        let secret = http.secret_key_file.as_ref()?.expose();
        let remember_key = RememberKey::new(secret);
        Some(Self {
            session: http.session_cookie.as_str().to_owned(),
            session_key: SessionKey::new(secret)?,
            lifetime: http.session_lifetime,
            remember: http.remember_cookie.as_ref().map(|name| (name.as_str().to_owned(), remember_key)),
        })
    }

    /// Verifies both cookies.
    pub(super) fn read(&self, request: &Parts, now: DateTime<Utc>) -> Said {
        let session =
            find(request, &self.session).map(|value| self.session_key.read(&value, self.lifetime, now));
        let cleared = matches!(session, Some(Verdict::Sound(contents)) if contents.logged_out);
        let remember = self.remember.as_ref().filter(|_| !cleared);
        Said {
            session: session.map(|verdict| match verdict {
                Verdict::Sound(contents) => Verdict::Sound(contents.user),
                Verdict::Void => Verdict::Void,
                Verdict::Forged => Verdict::Forged,
            }),
            remember: remember.and_then(|(name, key)| find(request, name).map(|value| key.read(&value))),
        }
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The first cookie of this name, read as VMS does, without quotes; `None` if it is empty.
fn find(request: &Parts, name: &str) -> Option<String> {
    let headers = request.headers.get_all(COOKIE).iter();
    let texts = headers.map(|header| String::from_utf8_lossy(header.as_bytes()).into_owned());
    let value = texts
        .flat_map(|text| Cookie::split_parse(text).flatten().collect::<Vec<_>>())
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value_trimmed().to_owned())?;
    Some(value).filter(|value| !value.is_empty())
}

/// Parses an id as VMS writes it: decimal digits. Python accepts more (signs, blanks, other scripts), which
/// VMS never wrote.
fn user_id(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// The salt of Flask's key derivation.
const SALT: &[u8] = b"cookie-session";

/// Longest payload, in bytes. A cookie has up to 4 KiB, and decompression may yield a thousand times as much.
const LONGEST: u64 = 64 * 1024;

/// The key that sessions are signed with.
struct SessionKey(Vec<u8>);

/// The relevant contents of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Contents {
    /// Id of the session's user.
    user: Option<i64>,
    /// Whether the user has logged out, so that the remember cookie no longer counts.
    logged_out: bool,
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

/// The key that remember cookies are signed with.
struct RememberKey(Option<Vec<u8>>);

impl RememberKey {
    /// Takes VMS's `SECRET_KEY`, which Flask-Login encodes as Latin-1. For a key with other characters it
    /// raises an exception, both when writing and when reading such a cookie: then no cookie is ever genuine.
    pub(super) fn new(secret: &str) -> Self {
        Self(secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect())
    }

    /// Verifies a cookie.
    pub(super) fn read(&self, cookie: &str) -> Verdict<i64> {
        let Some(key) = &self.0 else { return Verdict::Void };
        let genuine = cookie.rsplit_once('|').filter(|(id, signature)| {
            decode_vec(signature).is_ok_and(|signature| is_hash::<HmacSha512>(key, id.as_bytes(), &signature))
        });
        match genuine {
            Some((id, _)) => user_id(id).map_or(Verdict::Void, Verdict::Sound),
            None => Verdict::Forged,
        }
    }
}
