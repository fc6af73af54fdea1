//! Access control for routes, by class. Requests that read lists also wait in a queue, and each keeps its place until its
//! client has received the answer: otherwise every connection could hold one in memory.

mod refusal;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use cached_proto::fault::Fault;
use hyper::body::{Frame, SizeHint};
use utoipa_axum::router::UtoipaMethodRouter;

use super::answer::WebFault;
use super::app::Web;
use super::auth::{Anonymous, Peer, Visitor, Way};
use super::wants::Wants;
use super::{extract, openapi};
use crate::places::Place;
use crate::readers::Client;
use crate::service::Caller;
use refusal::Refusal;

/// The field with the CSRF token; the pages include it in every form.
const FORM_TOKEN: &str = "csrf_token";

/// The class of a route, by what it shows or does; public routes have no gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Shows the state of the caches.
    Viewing,
    /// Shows the contents of the caches: names and addresses of people.
    Personal,
    /// Changes something.
    Changing,
}

/// Puts routes behind the gate of their class.
#[derive(Debug)]
pub(super) struct Gate(Web);

impl Gate {
    pub(super) fn new(web: &Web) -> Self {
        Self(web.clone())
    }

    /// Gates a route for visitors who may see the state of the caches.
    pub(super) fn viewing<R: Route>(&self, route: R) -> R {
        route.behind(self, Class::Viewing)
    }

    /// Gates a route as [`viewing`](Self::viewing) does, and queues the admitted requests: their answers may be long,
    /// or take reading much of the history.
    pub(super) fn reading<R: Route>(&self, route: R) -> R {
        self.viewing(route.queued(self))
    }

    /// Gates a route for administrators and holders of a token.
    pub(super) fn personal<R: Route>(&self, route: R) -> R {
        route.behind(self, Class::Personal)
    }

    /// Gates a route for administrators with a session who intended the request, and for holders of a token.
    pub(super) fn changing<R: Route>(&self, route: R) -> R {
        route.behind(self, Class::Changing)
    }
}

/// A route that can be put behind a gate.
pub(super) trait Route {
    /// The route behind a gate for this class.
    fn behind(self, gate: &Gate, class: Class) -> Self;

    /// The route behind the queue of readers.
    fn queued(self, gate: &Gate) -> Self;
}

impl Route for MethodRouter<Web> {
    fn behind(self, gate: &Gate, class: Class) -> Self {
        // Only for methods that the route has: others get a 405 for every visitor.
        self.route_layer(from_fn_with_state((gate.0.clone(), class), admit))
    }

    fn queued(self, gate: &Gate) -> Self {
        self.route_layer(from_fn_with_state(gate.0.clone(), wait))
    }
}

/// Also adds the gate's requirements and responses to the OpenAPI description of the route.
impl Route for UtoipaMethodRouter<Web> {
    fn behind(self, gate: &Gate, class: Class) -> Self {
        let (schemas, mut paths, route) = self;
        openapi::gated(&mut paths);
        (schemas, paths, route.behind(gate, class))
    }

    fn queued(self, gate: &Gate) -> Self {
        let (schemas, paths, route) = self;
        (schemas, paths, route.queued(gate))
    }
}

async fn admit(State((web, class)): State<(Web, Class)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    // The body has already been read completely and within limits.
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return Refusal::Unknown.answer(&parts, Wants::of(&parts), web.authority().ways_in());
    };
    match judge(&web, class, &parts, &body).await {
        Ok(admitted) => {
            parts.extensions.insert(admitted);
            let response = next.run(Request::from_parts(parts, body.into())).await;
            if class == Class::Changing {
                // The visitor who made the change sees it, also after reloading a page.
                web.views.forget().await;
            }
            response
        }
        Err(refusal) => {
            let wants = Wants::of(&parts);
            refusal.answer(&parts, wants, web.authority().ways_in()).into_response()
        }
    }
}

async fn judge(web: &Web, class: Class, parts: &Parts, body: &Bytes) -> Result<Admitted, Refusal> {
    // Without an address, failed attempts cannot be counted.
    let Peer(peer) = *parts.extensions.get::<Peer>().ok_or(Refusal::Unknown)?;
    let (authority, now) = (web.authority(), web.service.clock.now());
    let visitor = authority.visitor(parts, peer, &web.users, now).await;
    may(class, &visitor)?;
    let is_meant = !rides_on_a_cookie(&visitor) || {
        let fields = extract::fields(&parts.headers, body).await.unwrap_or_default();
        let token = fields.into_iter().find_map(|(name, value)| (name == FORM_TOKEN).then_some(value));
        authority.csrf_ok(&visitor, parts, token.as_deref(), now)
    };
    if class == Class::Changing && !is_meant {
        return Err(Refusal::Elsewhere);
    }
    let may_change = is_meant && may(Class::Changing, &visitor).is_ok();
    Ok(Admitted::new(visitor, may_change))
}

/// Decides whether the visitor may reach routes of the class.
fn may(class: Class, visitor: &Visitor) -> Result<(), Refusal> {
    match visitor {
        Visitor::Unauthenticated(Anonymous::Unavailable) => Err(Refusal::Unavailable),
        Visitor::Unauthenticated(_) => Err(Refusal::Unknown),
        Visitor::NotAdmin { .. } => Err(Refusal::NotAdmin),
        Visitor::TooMany { retry_after } => Err(Refusal::TooMany(*retry_after)),
        Visitor::Admin { how, .. } => match (class, how) {
            (Class::Personal | Class::Changing, Way::Open) => Err(Refusal::Unknown),
            (Class::Changing, Way::Remember) => Err(Refusal::Remembered),
            _ => Ok(()),
        },
    }
}

/// Whether the credential is a cookie, which browsers also send with requests made by other sites; a token in
/// a header is only sent by a client that knows it.
const fn rides_on_a_cookie(visitor: &Visitor) -> bool {
    matches!(visitor, Visitor::Admin { how: Way::Session | Way::Remember, .. })
}

/// The visitor that the gate has admitted: an extractor for handlers.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    visitor: Arc<Visitor>,
    may_change: bool,
}

impl Admitted {
    fn new(visitor: Visitor, may_change: bool) -> Self {
        Self { visitor: Arc::new(visitor), may_change }
    }

    /// Whether the request would also pass the gate of `Class::Changing`: for handlers that only
    /// view, but may do a little more for a visitor who has that right.
    pub(crate) fn may_change(&self) -> bool {
        self.may_change
    }

    /// The visitor, for the token of a form.
    pub(crate) fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The caller on whose behalf a verb runs.
    pub(crate) fn caller(&self) -> Caller {
        match &*self.visitor {
            Visitor::Admin { how: Way::Bearer, .. } => Caller::Bearer,
            Visitor::Admin { name, how: Way::ApiToken, .. } => Caller::ApiToken(name.clone()),
            Visitor::Admin { name, .. } => Caller::Browser(name.clone()),
            Visitor::Unauthenticated(_) | Visitor::NotAdmin { .. } | Visitor::TooMany { .. } => {
                Caller::Browser("nobody".to_owned())
            }
        }
    }
}

impl FromRequestParts<Web> for Admitted {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, WebFault> {
        let missing = || WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "this route has no gate");
        parts.extensions.get().cloned().ok_or_else(missing)
    }
}

/// Bytes that are handed to the connection at a time: what it has buffered is not known to have been taken.
const PIECE: usize = 32 * 1024;

/// Waits until the request is admitted as a reader; the next one is admitted when this answer is built.
async fn wait(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Some(&Peer(peer)) = parts.extensions.get::<Peer>() else {
        return unanswered();
    };
    let client = Client::Address(web.authority().client_address(&parts, peer));
    let admission = match web.service.readers.admit(client, false).await {
        Ok(admission) => admission,
        Err(crowded) => return WebFault::from(Fault::from(crowded)).into_response(),
    };
    let (head, body) = next.run(Request::from_parts(parts, body)).await.into_parts();
    let Ok(rest) = to_bytes(body, usize::MAX).await else { return unanswered() };
    Response::from_parts(head, Body::new(Pieces { rest, _place: admission.built() }))
}

fn unanswered() -> Response {
    WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be built").into_response()
}

/// The part of an answer that its reader has not received yet.
struct Pieces {
    rest: Bytes,
    _place: Place<Client>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        // A copy: a part of the whole would keep all of it in memory.
        let piece = Bytes::copy_from_slice(&self.rest.split_to(length));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_requires_at_least_what_the_one_before_requires() {
        use Class::{Changing, Personal, Viewing};
        let admitted = |class, how| {
            may(class, &Visitor::Admin { name: "ada".to_owned(), user_id: Some(1), how }).is_ok()
        };
        for (how, viewing, personal, changing) in [
            (Way::Session, true, true, true),
            (Way::Remember, true, true, false),
            (Way::Bearer, true, true, true),
            (Way::ApiToken, true, true, true),
            (Way::Open, true, false, false),
        ] {
            let got = [Viewing, Personal, Changing].map(|class| admitted(class, how));
            assert_eq!(got, [viewing, personal, changing], "{how:?}");
        }
    }

    #[test]
    fn a_user_who_is_not_an_administrator_reaches_no_gated_route() {
        for class in [Class::Viewing, Class::Personal, Class::Changing] {
            may(class, &Visitor::NotAdmin { user_id: 2 }).unwrap_err();
            may(class, &Visitor::TooMany { retry_after: std::time::Duration::ZERO }).unwrap_err();
        }
    }
}
