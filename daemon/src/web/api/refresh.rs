//! `POST api/refresh`: queues a run, and with `?wait=1` answers when the run has ended.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use cached_present::report::{RunReport, TableReport};
use cached_proto::fault::Fault;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Outcome, Phase, Table};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use crate::describe::failures;
use crate::service::refresh;
use crate::web::answer::{Done, Json, Problem, WebFault};
use crate::web::app::Web;
use crate::web::extract::Parameters;
use crate::web::gate::Admitted;
use crate::web::wants::is_json;
use crate::web::wish::{Given, Wish, nothing_to_do};

/// Whether to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Waiting {
    /// `1` to get the answer when the run has ended.
    #[param(pattern = "^(0|1|true|false)?$")]
    wait: Option<String>,
}

/// As `cachectl refresh --no-wait --json` prints it, with the jobs.
#[derive(Debug, Serialize, ToSchema)]
struct Queued {
    run: String,
    joined: bool,
    /// Numbers of its jobs, one for each table, in their order.
    jobs: Vec<i64>,
}

/// Why a refresh that was waited for did not succeed.
#[derive(Debug, Serialize, ToSchema)]
struct RefreshFailed {
    /// Always false.
    success: bool,
    /// What is wrong, one line.
    error: String,
    /// A stable word: `refresh_failed` where tables did not end well.
    code: String,
    /// What to do about it, one line; may be empty.
    hint: String,
    /// The run, where there is one.
    #[schema(required = false)]
    run: String,
    /// How each of its tables ended.
    #[schema(required = false)]
    tables: Vec<TableReport>,
}

#[utoipa::path(
    post, path = "/management/cache/api/refresh",
    params(Waiting),
    request_body(content = Given, description = "An empty body means everything."),
    responses(
        (status = 200, description = "The run has ended well.", body = Done<RunReport>),
        (status = 202, description = "The run is queued.", body = Done<Queued>),
        (status = 415, description = "The content type of the body is not JSON.", body = Problem),
        (status = 500, description = "The run has ended, and a table did not end well.", body = RefreshFailed)
    )
)]
pub(in crate::web) async fn refresh(
    State(web): State<Web>,
    admitted: Admitted,
    Parameters(Waiting { wait }): Parameters<Waiting>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, WebFault> {
    let wait = match wait.as_deref() {
        None | Some("0" | "false") => false,
        Some("1" | "true" | "") => true,
        Some(_) => return Err(WebFault::new(StatusCode::BAD_REQUEST, "wait is either 0 or 1")),
    };
    // VMS's page sends an empty body to refresh everything.
    let wish = if body.is_empty() {
        Wish::default()
    } else if is_json(&headers) {
        Wish::from_json(&body)?
    } else {
        return Err(WebFault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Content-Type must be application/json",
        )
        .hint("send the body as JSON"));
    };
    let reply = refresh::refresh(&web.service, &admitted.caller(), &wish.request()).await?;
    let message = if wait {
        if let Ok(run) = timeout(web.limits.wait, ended(&web, reply.run)).await {
            let young = web.service.config.borrow().cache.refresh_after_hours;
            return answer(&wish, &run?, young);
        }
        format!("Run {} continues; see api/runs/{}", reply.run, reply.run)
    } else {
        format!("{} caches are queued for refresh as run {}", wish.title(), reply.run)
    };
    let run = web.service.queue.run(reply.run).await.map_err(Fault::from)?;
    let jobs = run.jobs.iter().map(|job| job.id).collect();
    let queued = Queued { run: reply.run.to_string(), joined: reply.joined, jobs };
    Ok((StatusCode::ACCEPTED, Json(Done::new(message, queued))).into_response())
}

/// The response for an ended run: successful only if every table is.
fn answer(wish: &Wish, run: &Run, young: u32) -> Result<Response, WebFault> {
    let failures = failures(&run.jobs, Table::as_str);
    let report = RunReport::from(run);
    if run.phase == Phase::Done && run.outcome.is_none_or(Outcome::is_good) && failures.is_empty() {
        let title = wish.title();
        let message = match nothing_to_do(run, young) {
            Some(nothing) => format!("{title} caches had {nothing}"),
            None => format!("{title} caches refreshed successfully"),
        };
        return Ok(Json(Done::new(message, report)).into_response());
    }
    let error = match run.phase {
        Phase::Cancelled => "it was cancelled",
        _ if failures.is_empty() => "the log shows why",
        _ => &failures,
    };
    // Strings and numbers always convert to JSON.
    let tables = serde_json::to_value(report.tables).unwrap_or_default();
    Err(WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Run {} failed: {error}", run.id))
        .code("refresh_failed")
        .hint("VMS still serves the earlier entries")
        .with("run", run.id.to_string())
        .with("tables", tables))
}

/// Waits until the run has ended and returns it.
async fn ended(web: &Web, run: i64) -> Result<Run, WebFault> {
    let queue = &web.service.queue;
    loop {
        let (_, mut following) = queue.subscribe(run).await.map_err(Fault::from)?;
        loop {
            let event = tokio::select! {
                biased;
                event = following.next() => event,
                () = web.hang_up.cancelled() => return Err(stopping(run)),
            };
            match event {
                Ok(Some(Progress::RunDone(run))) => return Ok(run),
                Ok(Some(_)) => {}
                Ok(None) => return Err(stopping(run)),
                // No event has been reported to the client, so subscribing again is enough.
                Err(_) => break,
            }
        }
    }
}

fn stopping(run: i64) -> WebFault {
    WebFault::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping")
        .hint("the run is kept and continues when the daemon is started again")
        .with("run", run.to_string())
}
