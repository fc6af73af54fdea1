//! The proof in a form that it is one of ours.

use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::header::CONTENT_TYPE;

/// Name of the field; the pages put it into every form.
const FIELD: &str = "csrf_token";

/// The token in an ordinary form.
pub(super) async fn token(body: &Bytes) -> Option<String> {
    let mut request = Request::post("/").body(Body::from(body.clone())).ok()?;
    let kind = axum::http::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, &()).await.ok()?;
    fields.into_iter().find_map(|(name, value)| (name == FIELD).then_some(value))
}
