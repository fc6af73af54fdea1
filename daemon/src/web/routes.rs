//! From a path and a method to a handler, and to the class of visitors that may reach it.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::api::{entries, jobs, refresh, runs, scheduler, status, tables};
use super::gate::Gate;
use super::{Web, body, fault, headers, host, probes};

/// Everything that is served.
pub(super) fn router(web: Web) -> Router {
    let gate = Gate::new(&web);
    let cache = Router::new()
        .route("/api/status", gate.viewing(get(status::status)))
        .route("/api/refresh", gate.changing(post(refresh::refresh)))
        .route("/scheduler/start", gate.changing(post(scheduler::start)))
        .route("/scheduler/stop", gate.changing(post(scheduler::stop)))
        .route("/api/tables", gate.viewing(get(tables::tables)))
        .route("/api/runs", gate.viewing(get(runs::runs)))
        .route("/api/runs/{id}", gate.viewing(get(runs::run)))
        .route("/api/jobs", gate.viewing(get(jobs::jobs)))
        .route("/api/jobs/{id}", gate.viewing(get(jobs::job)))
        .route("/api/jobs/{id}/cancel", gate.changing(post(jobs::cancel)))
        .route("/api/jobs/{id}/retry", gate.changing(post(jobs::retry)))
        .route("/api/entries/{table}", gate.personal(get(entries::entry)));
    Router::new()
        .nest("/management/cache", cache)
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .fallback(fault::unknown_path)
        .method_not_allowed_fallback(fault::wrong_method)
        // The last layer is the first to see a request.
        .layer(from_fn_with_state(web.clone(), body::read))
        .layer(from_fn_with_state(web.clone(), host::check))
        .layer(CatchPanicLayer::custom(fault::panicked))
        .layer(from_fn(headers::add))
        .with_state(web)
}
