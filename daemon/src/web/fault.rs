//! Converts faults to responses; the only place that does.

use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::text::one_line;
use serde_json::{Map, Value};

use super::json::Json;
use super::pages::{self, Frame, Prose};
use super::wants::{Wants, has_pages};
use crate::jobs::QueueError;
use crate::readers::COME_AGAIN;

/// A fault to be reported to a web client.
///
/// As JSON: `{"success": false, "error": MESSAGE, "code": WORD, "hint": WHAT TO DO}`. VMS's pages read
/// `success` and `error`.
#[derive(Debug, Clone)]
pub(crate) struct WebFault(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    status: StatusCode,
    code: &'static str,
    error: String,
    hint: String,
    /// When to come again, if that would help.
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
        Self(Box::new(Told { status, code, error, hint, retry_after: None, more: Map::new() }))
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

    /// Says when to come again.
    pub(crate) fn retry_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Message and hint as one text, for a page that is shown all the same.
    pub(crate) fn told(&self) -> String {
        let Told { error, hint, .. } = &*self.0;
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
        let Told { status, code, error, hint, retry_after, more } = *self.0;
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
        let Told { status, error, hint, retry_after, .. } = *self.0;
        let title = status.canonical_reason().unwrap_or("Error");
        let page = ErrorPage {
            frame: Frame::nobodys(title),
            status,
            error: Prose::new(error),
            hint: Prose::new(hint),
        };
        later(pages::shown(status, &page), retry_after)
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

/// The response of a failed handler or a panic: JSON, unless [`as_wanted`] replaces it.
impl IntoResponse for WebFault {
    fn into_response(self) -> Response {
        let mut response = self.clone().json();
        response.extensions_mut().insert(self);
        response
    }
}

/// Middleware that replaces a handler's fault by a page, for paths that have pages and clients that want one.
pub(super) async fn as_wanted(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let wants = Wants::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<WebFault>() {
        Some(fault) if wants == Wants::Html && has_pages(&path) => fault.html(),
        _ => response,
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
        let told = Self::new(status, fault.message).hint(fault.hint);
        match fault.code {
            FaultCode::Busy => told.code("busy").retry_after(COME_AGAIN),
            _ => told,
        }
    }
}

/// Converts an error of the queue. If something has ended since the visitor saw it, that is a conflict and no
/// mistake.
impl From<QueueError> for WebFault {
    fn from(error: QueueError) -> Self {
        let is_late = matches!(error, QueueError::Over(_) | QueueError::NothingToRetry(_));
        let fault = Self::from(Fault::from(error));
        if !is_late {
            return fault;
        }
        let Told { error, hint, .. } = *fault.0;
        Self::new(StatusCode::CONFLICT, error).hint(hint)
    }
}

/// The response for a path that does not exist.
pub(super) async fn unknown_path(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let fault = WebFault::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", parts.uri.path()));
    let hint = if parts.uri.path() == "/login" {
        "this is not VMS but `cached`: log in at VMS, and serve both under one host name"
    } else {
        "the status page is at /management/cache/status"
    };
    fault.hint(hint).answer(Wants::of(&parts))
}

/// The response for a path that exists, but not with this method.
pub(super) async fn wrong_method(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let error = format!("{} cannot be done with {}", parts.method, parts.uri.path());
    // A visitor who had to log in before a form was accepted is redirected back with a GET.
    let hint = "the status page is at /management/cache/status";
    WebFault::new(StatusCode::METHOD_NOT_ALLOWED, error).hint(hint).answer(Wants::of(&parts))
}

/// The response after a handler panicked. The panic's message is logged and not sent to the client.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a web request made a handler panic; this is a bug, please report it with the log");
    WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred")
        .hint("look at the log of cached")
        .into_response()
}
