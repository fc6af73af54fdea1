//! VMS's cookies, verified as VMS itself does.

use std::fmt;
use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use cookie::Cookie;

use super::remember::RememberKey;
use super::session::SessionKey;
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
pub(super) fn user_id(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}
