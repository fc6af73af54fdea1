//! `GET api/runs` and `api/runs/{id}`: what `cachectl history --json` prints, and one run of it.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use cached_proto::fault::Fault;
use cached_proto::verb::history::{HistoryReply, HistoryRequest, Run};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::rpc::history;
use crate::web::Web;
use crate::web::extract::{Number, Parameters};
use crate::web::fault::WebFault;
use crate::web::json::Json;

/// Default window, equal to that of `cachectl history`.
const WINDOW: Duration = Duration::from_hours(7 * 24);

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Since {
    /// As `cachectl` takes it: `36h`, `7d`.
    #[param(pattern = "^[0-9]{1,4}[smhdw]$")]
    since: Option<String>,
}

#[utoipa::path(
    get, path = "/management/cache/api/runs",
    params(Since),
    responses((status = 200, description = "The runs, newest first.", body = HistoryReply))
)]
pub(in crate::web) async fn runs(
    State(web): State<Web>,
    Parameters(Since { since }): Parameters<Since>,
) -> Result<Json<HistoryReply>, WebFault> {
    let window = since.map_or(Ok(WINDOW), |since| duration(&since))?;
    let request = HistoryRequest { since_seconds: window.as_secs() };
    Ok(Json(history::history(web.service(), &request).await?))
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
