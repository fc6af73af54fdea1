//! Maps paths and methods to handlers, and to the class of visitors that may reach them.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{entries, events, jobs, refresh, runs, scheduler, status, tables};
use super::gate::Gate;
use super::pages::{self, act};
use super::{Web, assets, body, fault, headers, host, metrics, openapi, probes, server};

/// Returns a path below that of VMS's own cache pages. Not nested: handlers and gate would only see the rest
/// of a path.
fn cache(path: &str) -> String {
    format!("/management/cache{path}")
}

/// The routes that are described in the OpenAPI document.
pub(super) fn described(gate: &Gate) -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(gate.viewing(routes!(status::status)))
        .routes(gate.changing(routes!(refresh::refresh)))
        .routes(gate.changing(routes!(scheduler::start)))
        .routes(gate.changing(routes!(scheduler::stop)))
        .routes(gate.viewing(routes!(tables::tables)))
        .routes(gate.reading(routes!(runs::runs)))
        .routes(gate.reading(routes!(runs::run)))
        .routes(gate.reading(routes!(jobs::jobs)))
        .routes(gate.reading(routes!(jobs::job)))
        .routes(gate.changing(routes!(jobs::cancel)))
        .routes(gate.changing(routes!(jobs::retry)))
        .routes(gate.personal(routes!(entries::entry)))
        .routes(gate.viewing(routes!(events::events)))
        .routes(gate.viewing(routes!(openapi::openapi)))
        .routes(gate.viewing(routes!(metrics::metrics)))
        .routes(routes!(probes::health))
        .routes(routes!(probes::ready))
}

/// All routes.
pub(super) fn router(web: Web) -> Router {
    let gate = Gate::new(&web);
    Router::from(described(&gate))
        .route(&cache(""), get(pages::front))
        .route(&cache("/"), get(pages::front))
        .route(&cache("/status"), gate.viewing(get(pages::status::page)))
        .route(
            &cache("/refresh"),
            gate.viewing(get(pages::refresh::form)).merge(gate.changing(post(pages::refresh::submit))),
        )
        .route(&cache("/runs/{id}"), gate.reading(get(pages::run::page)))
        .route(&cache("/runs/{id}/cancel"), gate.changing(post(act::cancel_run)))
        .route(&cache("/runs/{id}/retry"), gate.changing(post(act::retry_run)))
        .route(&cache("/jobs"), gate.reading(get(pages::jobs::page)))
        .route(&cache("/jobs/{id}"), gate.reading(get(pages::job::page)))
        .route(&cache("/jobs/{id}/cancel"), gate.changing(post(act::cancel_job)))
        .route(&cache("/jobs/{id}/retry"), gate.changing(post(act::retry_job)))
        .route(&cache("/assets/{file}"), get(assets::asset))
        .fallback(fault::unknown_path)
        .method_not_allowed_fallback(fault::wrong_method)
        // The last layer is the first to see a request.
        .layer(from_fn_with_state(web.clone(), body::read))
        .layer(from_fn_with_state(web.clone(), host::check))
        .layer(CatchPanicLayer::custom(fault::panicked))
        .layer(from_fn(fault::as_wanted))
        .layer(from_fn(server::spare))
        .layer(from_fn(headers::add))
        .with_state(web)
}
