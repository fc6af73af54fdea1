//! Authenticates requests.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use tracing::{debug, info, warn};

use super::cookies::{Cookies, Verdict};
use super::limit::Limiter;
use super::origin::{self, Hosts};
use super::secrets::{BearerToken, Confirmed, Seal, may_be_api_token, presented_api_token, presented_bearer};
use super::visitor::{Anonymous, Visitor, Way};
use crate::clock::Clock;
use crate::config::{Http, Network, SecretFile};
use crate::describe::describe;
use crate::vms::users::Users;
use crate::vms::{VmsError, time};

/// No random key could be generated, and without it no client can be authenticated.
#[derive(Debug, thiserror::Error)]
#[error("cannot generate a random key for the web interface: {0}")]
pub(crate) struct NoKey(#[from] getrandom::Error);

/// Authenticates requests under one configuration.
pub(crate) struct Authority {
    cookies: Option<Cookies>,
    bearer: Option<BearerToken>,
    api_tokens: bool,
    open_viewing: bool,
    proxies: Vec<Network>,
    hosts: Hosts,
    form_lifetime: Duration,
    kept: Arc<Kept>,
}

/// The configured ways to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaysIn {
    /// VMS's own login, under the same host name.
    pub(crate) vms_login: bool,
    /// The operator's token.
    pub(crate) bearer: bool,
    /// API tokens issued by VMS.
    pub(crate) api_tokens: bool,
}

/// State that is kept when the configuration changes.
struct Kept {
    seal: Seal,
    limiter: Limiter,
    confirmed: Confirmed,
    /// Whether the last query of VMS's database failed.
    in_trouble: AtomicBool,
}

/// The result of checking a credential.
enum Judged {
    As(Visitor),
    /// The credential, of this kind, is wrong.
    Forged(&'static str),
}

impl Authority {
    /// Sets up authentication; secret files have already been read as part of the configuration.
    pub(crate) fn new(http: &Http, clock: Arc<dyn Clock>) -> Result<Self, NoKey> {
        let seal = Seal::generate()?;
        let (limiter, confirmed) = (Limiter::new(clock), Confirmed::default());
        let kept = Kept { seal, limiter, confirmed, in_trouble: AtomicBool::new(false) };
        Ok(Self::with(http, Arc::new(kept)))
    }

    /// Applies another configuration: forms that are open in a browser stay valid, and failed attempts remain
    /// counted.
    pub(crate) fn rebuilt(&self, http: &Http) -> Self {
        Self::with(http, Arc::clone(&self.kept))
    }

    fn with(http: &Http, kept: Arc<Kept>) -> Self {
        let token = http.token_file.as_ref().map(SecretFile::expose);
        Self {
            cookies: Cookies::new(http),
            bearer: token.and_then(|token| BearerToken::new(token, &kept.seal)),
            api_tokens: http.api_tokens,
            open_viewing: origin::may_be_open(http),
            proxies: http.trusted_proxies.clone(),
            hosts: Hosts::new(http),
            form_lifetime: http.session_lifetime,
            kept,
        }
    }

    /// Authenticates the sender of a request; `peer` is the other end of its connection.
    pub(crate) async fn visitor(
        &self,
        request: &Parts,
        peer: IpAddr,
        users: &dyn Users,
        now: DateTime<Utc>,
    ) -> Visitor {
        let judged = match self.by_header(request, peer, users, now).await {
            Some(judged) => judged,
            None => match self.by_cookies(request, users, now).await {
                Judged::As(Visitor::Unauthenticated(_)) | Judged::Forged(_)
                    if self.is_open_to(request, peer) =>
                {
                    Judged::As(Visitor::nameless("this machine", Way::Open))
                }
                judged => judged,
            },
        };
        match judged {
            Judged::As(visitor) => visitor,
            Judged::Forged(what) => self.refused(what, self.client_address(request, peer)),
        }
    }

    /// The ways to authenticate that are enabled.
    pub(crate) fn ways_in(&self) -> WaysIn {
        WaysIn {
            vms_login: self.cookies.is_some(),
            bearer: self.bearer.is_some(),
            api_tokens: self.api_tokens,
        }
    }

    /// The address of the client, behind the trusted proxies.
    pub(crate) fn client_address(&self, request: &Parts, peer: IpAddr) -> IpAddr {
        origin::client_address(request, peer, &self.proxies)
    }

    /// Whether this is the address of a trusted proxy, behind which there are many clients.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(peer.to_canonical()))
    }

    /// Whether the request is addressed to one of our host names: those of this machine, the address that the
    /// server listens on, the host of `http.public_origin`, and `http.hosts`.
    pub(crate) fn allows_host(&self, request: &Parts) -> bool {
        self.hosts.allow(request)
    }

    /// Returns a CSRF token for the forms of this visitor's pages.
    pub(crate) fn csrf_token(&self, visitor: &Visitor, now: DateTime<Utc>) -> String {
        origin::form_token(&self.kept.seal, visitor, now, self.form_lifetime)
    }

    /// Whether the visitor intended the request, whatever its method: it has a credential that no browser
    /// adds by itself, or the token of our form, or comes from one of our pages.
    pub(crate) fn csrf_ok(
        &self,
        visitor: &Visitor,
        request: &Parts,
        form_token: Option<&str>,
        now: DateTime<Utc>,
    ) -> bool {
        matches!(visitor, Visitor::Admin { how, .. } if !how.is_ambient())
            || form_token.is_some_and(|token| origin::is_form_token(&self.kept.seal, visitor, token, now))
            || origin::is_from_own_page(request, &self.hosts)
    }

    fn is_open_to(&self, request: &Parts, peer: IpAddr) -> bool {
        self.open_viewing && origin::is_direct(request, peer)
    }

    /// Authenticates by header; `None` without a header that is an enabled way to authenticate.
    async fn by_header(
        &self,
        request: &Parts,
        peer: IpAddr,
        users: &dyn Users,
        now: DateTime<Utc>,
    ) -> Option<Judged> {
        if let (Some(token), Some(presented)) = (&self.bearer, presented_bearer(request)) {
            return Some(if token.is(presented) {
                Judged::As(Visitor::nameless("bearer token", Way::Bearer))
            } else {
                Judged::Forged("bearer token")
            });
        }
        let token = presented_api_token(request).filter(|_| self.api_tokens)?;
        if !may_be_api_token(token) {
            return Some(Judged::Forged("API token"));
        }
        // A client with too many failed attempts must not cost VMS a read of its database with each further one.
        if !self.kept.confirmed.has(token, &self.kept.seal)
            && let Some(retry_after) = self.kept.limiter.wait(self.client_address(request, peer))
        {
            return Some(Judged::As(Visitor::TooMany { retry_after }));
        }
        Some(match self.asked(users.by_api_token(token).await) {
            Err(visitor) => Judged::As(visitor),
            Ok(None) => Judged::Forged("API token"),
            Ok(Some((user, expiry))) => {
                self.kept.confirmed.add(token, &self.kept.seal);
                let until = expiry.as_deref().and_then(time::parse);
                let is_current = until.is_some_and(|until| until > now.naive_utc());
                Judged::As(if is_current {
                    Visitor::of(&user, Way::ApiToken)
                } else {
                    Visitor::Unauthenticated(Anonymous::Void)
                })
            }
        })
    }

    /// Authenticates by cookie, in VMS's order: the session's user, if it still exists, active or not; else
    /// the remembered one.
    async fn by_cookies(&self, request: &Parts, users: &dyn Users, now: DateTime<Utc>) -> Judged {
        let Some(cookies) = &self.cookies else {
            return Judged::As(Visitor::Unauthenticated(Anonymous::NoCredential));
        };
        let found = cookies.read(request, now);
        let session = match found.session {
            Some(Verdict::Sound(id)) => id.map(|id| (id, Way::Session)),
            _ => None,
        };
        let remember = match found.remember {
            Some(Verdict::Sound(id)) => Some((id, Way::Remember)),
            _ => None,
        };
        for (id, how) in session.into_iter().chain(remember) {
            match self.asked(users.by_id(id).await) {
                Err(visitor) => return Judged::As(visitor),
                Ok(Some(user)) => return Judged::As(Visitor::of(&user, how)),
                Ok(None) => {}
            }
        }
        match (found.session, found.remember) {
            (Some(Verdict::Forged), _) => Judged::Forged("session cookie"),
            (_, Some(Verdict::Forged)) => Judged::Forged("remember cookie"),
            (None, None) => Judged::As(Visitor::Unauthenticated(Anonymous::NoCredential)),
            _ => Judged::As(Visitor::Unauthenticated(Anonymous::Void)),
        }
    }

    fn refused(&self, what: &str, client: IpAddr) -> Visitor {
        match self.kept.limiter.failed(client) {
            Ok(()) => {
                warn!("Refused a wrong {what} from {client}");
                Visitor::Unauthenticated(Anonymous::Refused)
            }
            Err(retry_after) => {
                debug!("Refused a wrong {what} from {client}, which has failed too often");
                Visitor::TooMany { retry_after }
            }
        }
    }

    /// Logs once when VMS's database cannot be queried, and once when it can again: a page queries every few
    /// seconds.
    fn asked<T>(&self, answer: Result<T, VmsError>) -> Result<T, Visitor> {
        let was_in_trouble = self.kept.in_trouble.swap(answer.is_err(), Ordering::Relaxed);
        match answer {
            Ok(found) => {
                if was_in_trouble {
                    info!("VMS's users can be read again");
                }
                Ok(found)
            }
            Err(error) => {
                if !was_in_trouble {
                    warn!("No login to the web interface is possible: {}", describe(&error));
                }
                Err(Visitor::Unauthenticated(Anonymous::Unavailable))
            }
        }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("cookies", &self.cookies)
            .field("bearer", &self.bearer)
            .field("api_tokens", &self.api_tokens)
            .field("open_viewing", &self.open_viewing)
            .field("proxies", &self.proxies)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
