//! `GET jobs`: finished and waiting jobs.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use cached_proto::fault::Fault;
use cached_proto::verb::jobs::JobFilter;
use serde::Deserialize;

use super::Visit;
use super::frame::Frame;
use super::row::JobRow;
use super::shown;
use super::view::View;
use crate::web::Web;
use crate::web::api::jobs::known_filter;
use crate::web::extract::Parameters;
use crate::web::fault::WebFault;
use crate::web::paged::{LISTED, following};

/// The query parameters.
#[derive(Debug, Deserialize)]
pub(in crate::web) struct Wanted {
    filter: Option<String>,
    cursor: Option<i64>,
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    filters: [Choice; 3],
    jobs: Vec<JobRow>,
    /// Text shown when there are no jobs.
    none: &'static str,
    /// The address of the next page, if there is one.
    older: Option<String>,
}

struct Choice {
    word: &'static str,
    title: &'static str,
    is_chosen: bool,
}

pub(in crate::web) async fn page(
    State(web): State<Web>,
    uri: Uri,
    visit: Visit,
    Parameters(Wanted { filter, cursor }): Parameters<Wanted>,
) -> Result<Response, WebFault> {
    let filter = known_filter(filter.as_deref())?;
    let queue = &web.service().queue;
    let reply = queue.jobs_page(filter, cursor, LISTED.into()).await.map_err(Fault::from)?;
    let choice = |word, title, which| Choice { word, title, is_chosen: filter == which };
    let view = View::of(&web);
    let page = JobsPage {
        frame: visit.live("Jobs", "jobs"),
        filters: [
            choice("all", "All", JobFilter::All),
            choice("failed", "Failed", JobFilter::Failed),
            choice("running", "Waiting and running", JobFilter::Running),
        ],
        none: match filter {
            JobFilter::All => "Nothing was done yet.",
            JobFilter::Failed => "Nothing has failed as far back as the history goes.",
            JobFilter::Running => "Nothing waits, and nothing runs.",
        },
        older: reply.next.map(|next| following(&uri, next)),
        jobs: reply.jobs.iter().map(|job| JobRow::of(job, &view)).collect(),
    };
    Ok(shown(StatusCode::OK, &page))
}
