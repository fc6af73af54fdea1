//! `GET api/runs` and `api/runs/{id}`: what `cachectl history --json` prints, and one run of it.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryPage, HistoryPageRequest, Run};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::service::history;
use crate::web::Web;
use crate::web::extract::{Number, Parameters};
use crate::web::fault::WebFault;
use crate::web::json::Json;
use crate::web::paged::{LISTED, Paged};

/// Default window, equal to that of `cachectl history`.
const WINDOW: Duration = Duration::from_hours(7 * 24);

/// How far back, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    /// As `cachectl` takes it: `36h`, `7d`.
    #[param(pattern = "^[0-9]{1,4}[smhdw]$")]
    since: Option<String>,
    /// Most runs of the page; 500 are the most that count. A page may have fewer.
    #[param(default = 100)]
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<i64>,
}

#[utoipa::path(
    get, path = "/management/cache/api/runs",
    params(Wanted),
    responses((
        status = 200,
        description = "A page of runs, newest first, their jobs without attempts.",
        body = HistoryPage,
        headers(("Link" = String, description = "The next page, with `rel=\"next\"`; absent on the last one."))
    ))
)]
pub(in crate::web) async fn runs(
    State(web): State<Web>,
    uri: Uri,
    Parameters(Wanted { since, limit, cursor }): Parameters<Wanted>,
) -> Result<Paged<HistoryPage>, WebFault> {
    let window = since.map_or(Ok(WINDOW), |since| duration(&since))?;
    let limit = limit.unwrap_or(LISTED);
    let request = HistoryPageRequest { since_seconds: window.as_secs(), before: cursor, limit };
    let page = history::page(web.service(), &request).await?;
    let next = page.next;
    Ok(Paged::new(page, &uri, next))
}

#[utoipa::path(
    get, path = "/management/cache/api/runs/{id}",
    params(Number),
    responses((status = 200, description = "The run.", body = Run))
)]
pub(in crate::web) async fn run(State(web): State<Web>, Number(id): Number) -> Result<Json<Run>, WebFault> {
    Ok(Json(web.service().queue.run(id).await.map_err(Fault::from)?))
}

fn duration(text: &str) -> Result<Duration, WebFault> {
    humantime::parse_duration(text).map_err(|_| {
        WebFault::new(StatusCode::BAD_REQUEST, format!("\"{text}\" is no length of time"))
            .hint("write it as 36h or 7d")
    })
}
