//! Replies and faults as responses: JSON for scripts, in the format of `cachectl --json`, and pages for browsers.

use std::time::Duration;

use askama::Template;
use axum::http::header::{CONTENT_TYPE, LINK, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use cached_present::json;
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::text::one_line;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::frame::{Frame, Prose, shown};
use super::wants::Wants;
use crate::jobs::QueueError;
use crate::readers::RETRY_INTERVAL;

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
                tracing::error!("a reply cannot be written as JSON: {error}");
                WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "the reply cannot be written as JSON").json()
            }
        }
    }
}

/// The fields that VMS's pages read in an answer to a change, beside the reply itself.
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

/// Maximum number of items of a page whose client does not set one.
pub(crate) const LISTED: u32 = 100;

/// A page as the body of a response, with a `Link` header.
#[derive(Debug, Clone)]
pub(crate) struct Paged<T> {
    page: T,
    next: Option<String>,
}

impl<T> Paged<T> {
    /// The page requested at `uri`; the next one begins at `next`.
    pub(crate) fn new(page: T, uri: &Uri, next: Option<i64>) -> Self {
        Self { page, next: next.map(|cursor| following(uri, cursor)) }
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.page).into_response();
        let link = self.next.and_then(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")).ok());
        if let Some(link) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}

/// The address of the page that begins at a cursor; all other parameters stay as requested.
pub(crate) fn following(uri: &Uri, cursor: i64) -> String {
    let asked = uri.query().unwrap_or_default().split('&');
    let others = asked.filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let query: Vec<&str> = others.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("{}?{}{separator}cursor={cursor}", uri.path(), query.join("&"))
}

/// A fault to be reported to a web client.
///
/// As JSON: `{"success": false, "error": MESSAGE, "code": WORD, "hint": WHAT TO DO}`. VMS's pages read
/// `success` and `error`.
#[derive(Debug, Clone)]
pub(crate) struct WebFault(Box<FaultParts>);

#[derive(Debug, Clone)]
struct FaultParts {
    status: StatusCode,
    code: &'static str,
    error: String,
    hint: String,
    /// Time after which a retry may succeed, if a retry may help.
    retry_after: Option<Duration>,
    more: Map<String, Value>,
}

impl WebFault {
    /// A fault with this message, on one line. The code is that of the status.
    pub(crate) fn new(status: StatusCode, error: impl AsRef<str>) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "bad_request",
            StatusCode::UNAUTHORIZED => "not_logged_in",
            StatusCode::FORBIDDEN => "not_allowed",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "wrong_method",
            StatusCode::REQUEST_TIMEOUT => "too_slow",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
            StatusCode::MISDIRECTED_REQUEST => "wrong_host",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "internal",
        };
        let error = one_line(error.as_ref()).into_owned();
        let hint = String::new();
        Self(Box::new(FaultParts { status, code, error, hint, retry_after: None, more: Map::new() }))
    }

    /// Adds a hint what to do about it.
    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.0.hint = one_line(hint.as_ref()).into_owned();
        self
    }

    /// Adds a field to the JSON form.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(key.to_owned(), value.into());
        self
    }

    /// Replaces the code of the status by another one.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// Sets the time after which a retry may succeed.
    pub(crate) fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Message and hint as one text, for a page that is shown in spite of the fault.
    pub(crate) fn message_and_hint(&self) -> String {
        let FaultParts { error, hint, .. } = &*self.0;
        if hint.is_empty() { error.clone() } else { format!("{error}; {hint}") }
    }

    /// The response in the form that the client wants.
    pub(crate) fn answer(self, wants: Wants) -> Response {
        match wants {
            Wants::Html => self.html(),
            Wants::Json => self.json(),
        }
    }

    /// The response for scripts.
    pub(crate) fn json(self) -> Response {
        let FaultParts { status, code, error, hint, retry_after, more } = *self.0;
        let mut body = Map::new();
        body.insert("success".to_owned(), false.into());
        body.insert("error".to_owned(), error.into());
        body.insert("code".to_owned(), code.into());
        body.insert("hint".to_owned(), hint.into());
        body.extend(more);
        later((status, Json(body)).into_response(), retry_after)
    }

    /// The response for browsers.
    pub(crate) fn html(self) -> Response {
        let FaultParts { status, error, hint, retry_after, .. } = *self.0;
        let title = status.canonical_reason().unwrap_or("Error");
        let page = ErrorPage {
            frame: Frame::public(title),
            status,
            error: Prose::new(error),
            hint: Prose::new(hint),
        };
        later(shown(status, &page), retry_after)
    }
}

fn later(mut response: Response, retry_after: Option<Duration>) -> Response {
    if let Some(pause) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(pause.as_secs()));
    }
    response
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: StatusCode,
    error: Prose,
    hint: Prose,
}

/// The response of a failed handler or a panic: JSON, which a layer may replace.
impl IntoResponse for WebFault {
    fn into_response(self) -> Response {
        let mut response = self.clone().json();
        response.extensions_mut().insert(self);
        response
    }
}

/// Converts a fault from a verb.
impl From<Fault> for WebFault {
    fn from(fault: Fault) -> Self {
        let status = match fault.code {
            FaultCode::BadRequest | FaultCode::Unsupported => StatusCode::BAD_REQUEST,
            FaultCode::NotAllowed => StatusCode::FORBIDDEN,
            FaultCode::NotFound => StatusCode::NOT_FOUND,
            FaultCode::Unavailable | FaultCode::Locked | FaultCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
            FaultCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let converted = Self::new(status, fault.message).hint(fault.hint);
        match fault.code {
            FaultCode::Busy => converted.code("busy").retry_after(RETRY_INTERVAL),
            _ => converted,
        }
    }
}

/// Converts an error of the queue. If something has ended since the visitor saw it, that is a conflict and not an
/// invalid request.
impl From<QueueError> for WebFault {
    fn from(error: QueueError) -> Self {
        let is_late = matches!(error, QueueError::Over(_) | QueueError::NothingToRetry(_));
        let fault = Self::from(Fault::from(error));
        if !is_late {
            return fault;
        }
        let FaultParts { error, hint, .. } = *fault.0;
        Self::new(StatusCode::CONFLICT, error).hint(hint)
    }
}

/// Why a request was not carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Always false.
    success: bool,
    /// What is wrong, one line.
    error: String,
    /// A stable word.
    code: String,
    /// What to do about it, one line; may be empty.
    hint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_keeps_the_other_parameters() {
        for (asked, next) in [
            ("/api/runs", "/api/runs?cursor=7"),
            ("/api/runs?since=90d&limit=5", "/api/runs?since=90d&limit=5&cursor=7"),
            ("/api/runs?cursor=19&since=90d", "/api/runs?since=90d&cursor=7"),
        ] {
            assert_eq!(following(&asked.parse().unwrap(), 7), next);
        }
    }
}
