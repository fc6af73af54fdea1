//! Distinguishes a person's own request from one that another site's page made in the browser (CSRF).

use std::time::Duration;

use axum::http::header::{HeaderName, ORIGIN, REFERER};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use super::hosts::Hosts;
use super::mac::{HmacSha256, hash, is_hash};
use super::seal::Seal;
use super::visitor::Visitor;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A token for a hidden field that only this visitor's pages can know: its expiry, and a keyed hash of expiry
/// and visitor.
pub(super) fn token(seal: &Seal, visitor: &Visitor, now: DateTime<Utc>, lifetime: Duration) -> String {
    let until = now.timestamp().saturating_add_unsigned(lifetime.as_secs());
    let hash = hash::<HmacSha256>(seal.expose(), message(visitor, until).as_bytes()).unwrap_or_default();
    format!("{until}.{}", URL_SAFE_NO_PAD.encode(hash))
}

/// Whether we issued this token to this visitor, and it has not expired.
pub(super) fn is_token(seal: &Seal, visitor: &Visitor, token: &str, now: DateTime<Utc>) -> bool {
    let read = || {
        let (until, hash) = token.split_once('.')?;
        Some((until.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(hash).ok()?))
    };
    read().is_some_and(|(until, hash)| {
        now.timestamp() <= until
            && is_hash::<HmacSha256>(seal.expose(), message(visitor, until).as_bytes(), &hash)
    })
}

/// The message to be hashed. It begins with a word of its own, because the same key also hashes bearer
/// tokens.
fn message(visitor: &Visitor, until: i64) -> String {
    let whom = match visitor {
        Visitor::Admin { user_id: Some(id), .. } | Visitor::NotAdmin { user_id: id } => format!("user {id}"),
        Visitor::Admin { user_id: None, how, .. } => format!("{how:?}"),
        Visitor::Nobody(_) | Visitor::TooMany { .. } => "nobody".to_owned(),
    };
    format!("form for {whom} until {until}")
}

/// Whether the browser's headers show that one of our own pages sent the request.
///
/// A page cannot set any of these headers. `Origin: null` proves nothing: our own forms send it too when the
/// page forbids the browser to send its address.
pub(super) fn is_from_own_page(request: &Parts, hosts: &Hosts) -> bool {
    let said = |name: HeaderName| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = said(ORIGIN);
    let named =
        origin.filter(|&origin| origin != "null").or_else(|| said(REFERER).filter(|_| origin.is_none()));
    match named {
        Some(url) => hosts.is_own_site(url, request),
        None => said(SEC_FETCH_SITE) == Some("same-origin"),
    }
}
