//! Checks that a request is addressed to this server: a site that points its own host name at our address
//! must not act on behalf of its visitors.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;

use super::Web;
use super::fault::WebFault;
use super::wants::Wants;

pub(super) async fn check(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    // Clients of the probes are often no browsers, send any host or none, and learn no secret.
    let is_probe = matches!(parts.uri.path(), "/health" | "/ready");
    if is_probe || web.authority().allows_host(&parts) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let fault = if parts.headers.contains_key(HOST) || parts.uri.host().is_some() {
        WebFault::new(StatusCode::MISDIRECTED_REQUEST, "this is not the host that was asked for")
            .hint("set http.public_origin to the address under which browsers reach this page")
    } else {
        WebFault::new(StatusCode::BAD_REQUEST, "the request names no host")
    };
    fault.answer(Wants::of(&parts))
}
