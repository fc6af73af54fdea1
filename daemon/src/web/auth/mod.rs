//! Who a visitor is. A stand-in: it knows one token, in debug builds only, and refuses everybody else.
#![expect(dead_code, reason = "the stand-in knows nobody")]

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::config::Http;

const TOKEN: &str = "Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Debug)]
pub(crate) struct Authority;

#[derive(Debug, thiserror::Error)]
#[error("nobody can be recognised")]
pub(crate) struct AuthorityError;

pub(crate) trait Users: Send + Sync {}

#[derive(Debug)]
pub(crate) struct VmsUsers;

impl Users for VmsUsers {}

impl VmsUsers {
    pub(crate) fn new(_: PathBuf) -> Self {
        Self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anonymous {
    NoCredential,
    Void,
    Refused,
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Visitor {
    Nobody(Anonymous),
    Admin { name: String, user_id: Option<i64>, how: Way },
    NotAdmin { user_id: i64 },
    TooMany { retry_after: Duration },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Session,
    Remember,
    Bearer,
    ApiToken,
    Open,
}

#[expect(clippy::unused_self, clippy::unused_async, clippy::unnecessary_wraps, reason = "a stand-in")]
#[expect(clippy::needless_pass_by_value, reason = "a stand-in")]
impl Authority {
    pub(crate) fn new(_: &Http, _: Arc<dyn Clock>) -> Result<Self, AuthorityError> {
        Ok(Self)
    }

    pub(crate) fn rebuilt(&self, _: &Http) -> Self {
        Self
    }

    pub(crate) async fn visitor(
        &self,
        request: &Parts,
        _: IpAddr,
        _: &dyn Users,
        _: DateTime<Utc>,
    ) -> Visitor {
        match request.headers.get(AUTHORIZATION) {
            Some(token) if cfg!(debug_assertions) && token == TOKEN => {
                Visitor::Admin { name: "bearer token".to_owned(), user_id: None, how: Way::Bearer }
            }
            _ => Visitor::Nobody(Anonymous::NoCredential),
        }
    }

    pub(crate) fn allows_host(&self, parts: &Parts) -> bool {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| host.starts_with("127.0.0.1") || host.starts_with("localhost"))
    }

    pub(crate) fn csrf_token(&self, _: &Visitor, _: DateTime<Utc>) -> String {
        String::new()
    }

    pub(crate) fn csrf_ok(&self, _: &Visitor, _: &Parts, _: Option<&str>, _: DateTime<Utc>) -> bool {
        false
    }
}
