//! `/health` and `/ready`: for load balancers and monitoring, without a login.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{Table, TableState};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Json;
use super::app::Web;
use crate::supervise::SOCKET;

/// Whether load balancers and monitoring request this path: a spare connection serves only such paths.
pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/health" | "/ready" | "/metrics")
}

/// VMS's own words for it.
#[derive(Serialize, ToSchema)]
struct Alive {
    status: &'static str,
    /// VMS's, as with VMS's own key of that name: whether its file is there and can be read.
    database: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

/// Whether the process and its own database are alive. An unreadable database of VMS is no reason to restart the
/// daemon, so it is reported by `cachectl health` and `/ready` instead.
#[utoipa::path(
    get, path = "/health",
    responses(
        (status = 200, description = "The process and its own database are alive.", body = Alive),
        (status = 503, description = "The daemon's own database does not answer.", body = Alive)
    )
)]
pub(super) async fn health(State(web): State<Web>) -> Response {
    let vms = web.service.refresh.borrow().vms.clone();
    let (alive, connected) = tokio::join!(web.probes.queue.queued_count(), vms.is_readable());
    let database = if connected { "connected" } else { "disconnected" };
    let (code, status, error) = if alive.is_ok() {
        (StatusCode::OK, "healthy", None)
    } else {
        let error = "the state database does not answer; check the log of cached";
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy", Some(error))
    };
    (code, Json(Alive { status, database, version: env!("CARGO_PKG_VERSION"), error })).into_response()
}

/// What `/ready` answers.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// Tables with entries that VMS would not find or would reject.
    not_ready: Vec<Lacking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Lacking {
    table: Table,
    state: TableState,
    missing: u64,
    incomplete: u64,
    invalid: u64,
}

/// Whether every table can serve: each expected entry is there, and of a shape that VMS's reader takes. Its age does not
/// matter, stale reports are served. A daemon whose control socket is lost is not ready either.
#[utoipa::path(
    get, path = "/ready",
    responses(
        (status = 200, description = "Every table can serve.", body = Readiness),
        (status = 503, description = "Some cannot.", body = Readiness)
    )
)]
pub(super) async fn ready(State(web): State<Web>) -> Response {
    let readiness = check(&web).await;
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness)).into_response()
}

async fn check(web: &Web) -> Readiness {
    let lost = web.service.faults.now().iter().any(|fault| fault.component == SOCKET);
    let unknown = |error| Readiness { ready: false, not_ready: Vec::new(), error: Some(error) };
    match web.views.status(&web.probes).await {
        Ok(status) if status.database_error.is_none() => {
            let not_ready: Vec<Lacking> = status.tables.iter().filter_map(lacking).collect();
            let error = lost.then_some("the control socket is lost; check the log of cached");
            Readiness { ready: not_ready.is_empty() && !lost, not_ready, error }
        }
        Ok(_) => unknown("VMS's database cannot be read; `cachectl health` shows why"),
        Err(_) => unknown("the state database does not answer; check the log of cached"),
    }
}

fn lacking(table: &TableStatus) -> Option<Lacking> {
    let TableStatus { table, state, missing, incomplete, invalid, .. } = *table;
    let lacks = match state {
        // No entries are expected to be served.
        TableState::Off | TableState::NotApplicable | TableState::Withheld => false,
        // Its entries cannot be judged.
        TableState::Disabled => true,
        _ => missing + incomplete + invalid > 0,
    };
    lacks.then_some(Lacking { table, state, missing, incomplete, invalid })
}
