//! JSON responses, in the format of `cachectl --json`.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use cached_present::json;
use serde::Serialize;
use utoipa::ToSchema;

use super::fault::WebFault;

/// A reply as the body of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match json::pretty(&self.0) {
            Ok(text) => {
                ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
            }
            Err(error) => {
                tracing::error!("a reply is no JSON: {error}");
                WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "the reply cannot be shown").json()
            }
        }
    }
}

/// What VMS's pages look for in an answer to a change, beside the reply itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Done<T> {
    success: bool,
    message: String,
    #[serde(flatten)]
    reply: T,
}

impl<T> Done<T> {
    /// Wraps the reply of a successful change.
    pub(crate) fn new(message: impl Into<String>, reply: T) -> Self {
        Self { success: true, message: message.into(), reply }
    }
}
