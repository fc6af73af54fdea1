//! From a path and a method to a handler, and to the class of visitors that may reach it.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{entries, jobs, refresh, runs, scheduler, status, tables};
use super::gate::Gate;
use super::{Web, body, fault, headers, host, metrics, openapi, probes};

/// What is served and described.
pub(super) fn described(gate: &Gate) -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(gate.viewing(routes!(status::status)))
        .routes(gate.changing(routes!(refresh::refresh)))
        .routes(gate.changing(routes!(scheduler::start)))
        .routes(gate.changing(routes!(scheduler::stop)))
        .routes(gate.viewing(routes!(tables::tables)))
        .routes(gate.viewing(routes!(runs::runs)))
        .routes(gate.viewing(routes!(runs::run)))
        .routes(gate.viewing(routes!(jobs::jobs)))
        .routes(gate.viewing(routes!(jobs::job)))
        .routes(gate.changing(routes!(jobs::cancel)))
        .routes(gate.changing(routes!(jobs::retry)))
        .routes(gate.personal(routes!(entries::entry)))
        .routes(gate.viewing(routes!(openapi::openapi)))
        .routes(gate.viewing(routes!(metrics::metrics)))
        .routes(routes!(probes::health))
        .routes(routes!(probes::ready))
}

/// Everything that is served.
pub(super) fn router(web: Web) -> Router {
    Router::from(described(&Gate::new(&web)))
        .fallback(fault::unknown_path)
        .method_not_allowed_fallback(fault::wrong_method)
        // The last layer is the first to see a request.
        .layer(from_fn_with_state(web.clone(), body::read))
        .layer(from_fn_with_state(web.clone(), host::check))
        .layer(CatchPanicLayer::custom(fault::panicked))
        .layer(from_fn(headers::add))
        .with_state(web)
}
