//! Telling a person's own click from one that another site's page made in his browser.

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

/// A text for a hidden field that only this visitor's pages can know: until when it is good, and a keyed hash of that
/// and of him.
pub(super) fn token(seal: &Seal, visitor: &Visitor, now: DateTime<Utc>, lifetime: Duration) -> String {
    let until = now.timestamp().saturating_add_unsigned(lifetime.as_secs());
    let hash = hash::<HmacSha256>(seal.expose(), message(visitor, until).as_bytes()).unwrap_or_default();
    format!("{until}.{}", URL_SAFE_NO_PAD.encode(hash))
}

/// Whether we made this text for this visitor, and it is still good.
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

/// What is hashed begins with a word of its own: the same key also hashes bearer tokens.
fn message(visitor: &Visitor, until: i64) -> String {
    let whom = match visitor {
        Visitor::Admin { user_id: Some(id), .. } | Visitor::NotAdmin { user_id: id } => format!("user {id}"),
        Visitor::Admin { user_id: None, how, .. } => format!("{how:?}"),
        Visitor::Nobody(_) | Visitor::TooMany { .. } => "nobody".to_owned(),
    };
    format!("form for {whom} until {until}")
}

/// Whether the browser says that one of our own pages sent this.
///
/// A page may not set any of these headers. `Origin: null` says nothing: our own forms send it too when the page
/// forbids the browser to name its address.
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
