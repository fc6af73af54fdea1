//! Reads the body of a request completely before it is processed further: requests are small, and code behind
//! this middleware need not deal with a body that is too long or never ends.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::Web;
use super::fault::WebFault;
use super::wants::Wants;

pub(super) async fn read(State(web): State<Web>, request: Request, next: Next) -> Response {
    let limits = web.limits();
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let too_large = || {
        let error = format!("a request may have at most {} bytes", limits.body_bytes);
        WebFault::new(StatusCode::PAYLOAD_TOO_LARGE, error)
    };
    let fault = if length.is_some_and(|length: u64| length > limits.body_bytes as u64) {
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
