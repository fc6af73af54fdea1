//! What people see: one file per page, each a template and what fills it.
//!
//! Every page works without a script. Forms are sent with a token of their visitor's and lead back to a page that shows
//! what came of it; links lead to what a page tells about. With a script, a page that shows what changes is kept up to
//! date ([`live.js`](../../../assets/live.js)).

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

/// A filled template as an answer.
pub(super) fn shown(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be shown: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Where the pages begin.
pub(super) async fn front() -> Redirect {
    Redirect::to("/management/cache/status")
}
