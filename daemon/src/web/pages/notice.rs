//! Messages on a page about the form that led to it.

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

/// The result of a form. It is passed as a code and not as text: a link must not be able to make the page
/// show an arbitrary message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Notice {
    Started,
    Stopped,
    Queued,
    Joined,
    Cancelled,
    CancelledTooLate,
    Retried,
    RetriedTooLate,
    #[serde(other)]
    Unknown,
}

/// The query parameter of pages that forms redirect to.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Noticed {
    pub(super) notice: Option<Notice>,
}

impl Notice {
    const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Queued => "queued",
            Self::Joined => "joined",
            Self::Cancelled => "cancelled",
            Self::CancelledTooLate => "cancelled_too_late",
            Self::Retried => "retried",
            Self::RetriedTooLate => "retried_too_late",
            Self::Unknown => "unknown",
        }
    }
}

/// Redirects a browser from a form to the page that shows the result; reloading that page repeats nothing.
pub(in crate::web) fn back_to(path: &str, notice: Notice) -> Response {
    match HeaderValue::try_from(format!("{path}?notice={}", notice.word())) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}
