//! Headers of every response, also of those that no handler has made.
//!
//! One kind is out of reach: hyper answers a request that it cannot read (400, 414, 431) with a status line, a date and
//! an empty body, closes the connection, and has no hook for it. Nothing is shown there that a header could protect.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

/// Allows only resources from this server, nothing inline, and no framing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers added to a response, unless the handler has set them itself.
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

pub(super) async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in ALWAYS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
