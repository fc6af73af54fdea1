//! From a path and a method to a handler, and to the class of visitors that may reach it.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::api::{entries, jobs, refresh, runs, scheduler, status, tables};
use super::gate::Gate;
use super::{Web, body, fault, headers, host, metrics, probes};

/// Where VMS has its own pages for the caches. Not nested: handlers and gate would see the rest of a path only.
fn cache(path: &str) -> String {
    format!("/management/cache{path}")
}

/// Everything that is served.
pub(super) fn router(web: Web) -> Router {
    let gate = Gate::new(&web);
    Router::new()
        .route(&cache("/api/status"), gate.viewing(get(status::status)))
        .route(&cache("/api/refresh"), gate.changing(post(refresh::refresh)))
        .route(&cache("/scheduler/start"), gate.changing(post(scheduler::start)))
        .route(&cache("/scheduler/stop"), gate.changing(post(scheduler::stop)))
        .route(&cache("/api/tables"), gate.viewing(get(tables::tables)))
        .route(&cache("/api/runs"), gate.viewing(get(runs::runs)))
        .route(&cache("/api/runs/{id}"), gate.viewing(get(runs::run)))
        .route(&cache("/api/jobs"), gate.viewing(get(jobs::jobs)))
        .route(&cache("/api/jobs/{id}"), gate.viewing(get(jobs::job)))
        .route(&cache("/api/jobs/{id}/cancel"), gate.changing(post(jobs::cancel)))
        .route(&cache("/api/jobs/{id}/retry"), gate.changing(post(jobs::retry)))
        .route(&cache("/api/entries/{table}"), gate.personal(get(entries::entry)))
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .route("/metrics", gate.viewing(get(metrics::metrics)))
        .fallback(fault::unknown_path)
        .method_not_allowed_fallback(fault::wrong_method)
        // The last layer is the first to see a request.
        .layer(from_fn_with_state(web.clone(), body::read))
        .layer(from_fn_with_state(web.clone(), host::check))
        .layer(CatchPanicLayer::custom(fault::panicked))
        .layer(from_fn(headers::add))
        .with_state(web)
}
