//! The layers that every request passes before its route, and every response after it.
//!
//! Responses get their headers, a spare connection serves probes only, a fault becomes a page where one is wanted, a
//! panic costs its request, other hosts are refused, and the body is read completely.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Body as _;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use super::answer::WebFault;
use super::app::Web;
use super::probes;
use super::wants::{Wants, has_pages};
use crate::readers::RETRY_INTERVAL;

/// Puts the layers around routes.
pub(super) fn around(routes: Router<Web>, web: &Web) -> Router<Web> {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        // The last layer is the first to see a request.
        .layer(from_fn_with_state(web.clone(), read_body))
        .layer(from_fn_with_state(web.clone(), check_host))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(as_wanted))
        .layer(from_fn(spare))
        .layer(map_response(with_headers))
}

/// Allows only resources from this server, nothing inline, and no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers added to a response, unless the handler has set them itself.
///
/// One kind is out of reach: hyper answers a request that it cannot read (400, 414, 431) with a status line, a date and
/// an empty body, closes the connection, and has no hook for it. Nothing is shown there that a header could protect.
const ALWAYS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // Our own pages must send a referrer: it distinguishes our forms from those of other sites.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Responses show the current state, most of them to administrators only.
    (CACHE_CONTROL, "no-store"),
];

/// A response without a body, as bytes, for a connection that no handler gets to see; it is closed afterwards.
pub(super) fn bare(status: &str, more: (HeaderName, &str)) -> Vec<u8> {
    let headers: Vec<String> =
        ALWAYS.into_iter().chain([more]).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Marks the requests of a spare connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spare;

/// Refuses requests that a spare connection does not serve.
async fn spare(request: Request, next: Next) -> Response {
    if request.extensions().get::<Spare>().is_none() || probes::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, _) = request.into_parts();
    WebFault::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many connections are open, or too many from this address",
    )
    .hint("close some of them, or try again later")
    .code("busy")
    .retry_after(RETRY_INTERVAL)
    .answer(Wants::of(&parts))
}

/// Middleware that replaces a handler's fault by a page, for paths that have pages and clients that want one.
async fn as_wanted(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let wants = Wants::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<WebFault>() {
        Some(fault) if wants == Wants::Html && has_pages(&path) => fault.html(),
        _ => response,
    }
}

/// Checks that a request is addressed to this server: a site that points its own host name at our address must not act
/// on behalf of its visitors.
async fn check_host(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Clients of the probes are often not browsers, send any host or none, and learn no secret.
    let is_probe = matches!(parts.uri.path(), "/health" | "/ready");
    if is_probe || web.authority().allows_host(&parts) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let fault = if parts.headers.contains_key(HOST) || parts.uri.host().is_some() {
        WebFault::new(StatusCode::MISDIRECTED_REQUEST, "unexpected Host header")
            .hint("set http.public_origin to the address under which browsers reach this page")
    } else {
        WebFault::new(StatusCode::BAD_REQUEST, "the request has no Host header")
    };
    fault.answer(Wants::of(&parts))
}

/// Reads the body of a request completely before it is processed further: requests are small, and code behind this
/// layer need not deal with a body that is too long or never ends.
async fn read_body(State(web): State<Web>, request: Request, next: Next) -> Response {
    let limits = web.limits;
    let (parts, body) = request.into_parts();
    let too_large = || {
        let error = format!("a request may have at most {} bytes", limits.body_bytes);
        WebFault::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    // What is announced to be too large is not waited for.
    let fault = if body.size_hint().lower() > limits.body_bytes as u64 {
        too_large()
    } else {
        match timeout(limits.body, to_bytes(body, limits.body_bytes)).await {
            Ok(Ok(bytes)) => return next.run(Request::from_parts(parts, Body::from(bytes))).await,
            // A truncated body also ends up here; its client is gone and cannot read the answer.
            Ok(Err(_)) => too_large(),
            Err(_) => WebFault::new(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"),
        }
    };
    fault.answer(Wants::of(&parts))
}

/// The response for a path that does not exist.
async fn unknown_path(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let fault = WebFault::new(StatusCode::NOT_FOUND, format!("there is no page at {}", parts.uri.path()));
    let hint = if parts.uri.path() == "/login" {
        "this is not VMS but `cached`: log in at VMS, and serve both under one host name"
    } else {
        "the status page is at /management/cache/status"
    };
    fault.hint(hint).answer(Wants::of(&parts))
}

/// The response for a path that exists, but not with this method.
async fn wrong_method(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let error = format!("the method {} is not supported by {}", parts.method, parts.uri.path());
    // A visitor who had to log in before a form was accepted is redirected back with a GET.
    let hint = "the status page is at /management/cache/status";
    WebFault::new(StatusCode::METHOD_NOT_ALLOWED, error).hint(hint).answer(Wants::of(&parts))
}

/// The response after a handler panicked. The panic's message is logged and not sent to the client.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a web request made a handler panic; this is a bug, please report it with the log");
    WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred")
        .hint("check the log of cached")
        .into_response()
}
