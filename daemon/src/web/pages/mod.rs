//! Pages for people: one file per page, each with a template and the code that fills it.
//!
//! Every page works without a script. Forms are sent with the visitor's token and redirect to a page that
//! shows the result; links lead to what a page mentions. With a script, a page that shows changing data is
//! kept up to date ([`live.js`](../../../assets/live.js)).

pub(super) mod act;
mod failures;
mod frame;
pub(super) mod job;
pub(super) mod jobs;
mod notice;
mod plot;
mod prose;
pub(super) mod refresh;
mod row;
pub(super) mod run;
pub(super) mod status;
mod tables;
mod verdict;
mod view;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};

pub(super) use frame::{Frame, Visit};
pub(super) use notice::{Notice, back_to};
pub(super) use prose::Prose;

/// Renders a template as a response.
pub(super) fn shown(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be shown: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Redirects to the first page.
pub(super) async fn front() -> Redirect {
    Redirect::to("/management/cache/status")
}
