//! Maps paths and methods to handlers, and to the class of visitors that may reach them.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Json;
use super::api::{entries, events, history, refresh, status};
use super::app::Web;
use super::gate::Gate;
use super::pages::{self, forms};
use super::{layers, metrics, openapi, probes};

/// Returns a path below that of VMS's own cache pages. Not nested: handlers and gate would only see the rest
/// of a path.
fn cache(path: &str) -> String {
    format!("/management/cache{path}")
}

/// The routes that are described in the OpenAPI document.
fn described(gate: &Gate) -> OpenApiRouter<Web> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(gate.viewing(routes!(status::status)))
        .routes(gate.changing(routes!(refresh::refresh)))
        .routes(gate.changing(routes!(status::start)))
        .routes(gate.changing(routes!(status::stop)))
        .routes(gate.viewing(routes!(status::tables)))
        .routes(gate.reading(routes!(history::runs)))
        .routes(gate.reading(routes!(history::run)))
        .routes(gate.reading(routes!(history::jobs)))
        .routes(gate.reading(routes!(history::job)))
        .routes(gate.changing(routes!(history::cancel)))
        .routes(gate.changing(routes!(history::retry)))
        .routes(gate.personal(routes!(entries::entry)))
        .routes(gate.viewing(routes!(events::events)))
        .routes(gate.viewing(routes!(openapi)))
        .routes(gate.viewing(routes!(metrics::metrics)))
        .routes(routes!(probes::health))
        .routes(routes!(probes::ready))
}

#[utoipa::path(
    get, path = "/management/cache/api/openapi.json",
    responses((status = 200, description = "This document.", body = serde_json::Value))
)]
async fn openapi(State(web): State<Web>) -> Json<OpenApi> {
    Json(openapi::completed(described(&Gate::new(&web)).into_openapi()))
}

/// All routes.
pub(super) fn router(web: Web) -> Router {
    let gate = Gate::new(&web);
    let routes = Router::from(described(&gate))
        .route(&cache(""), get(pages::front))
        .route(&cache("/"), get(pages::front))
        .route(&cache("/status"), gate.viewing(get(pages::status::page)))
        .route(
            &cache("/refresh"),
            gate.viewing(get(forms::refresh)).merge(gate.changing(post(forms::submit))),
        )
        .route(&cache("/runs/{id}"), gate.reading(get(pages::run::page)))
        .route(&cache("/runs/{id}/cancel"), gate.changing(post(forms::cancel_run)))
        .route(&cache("/runs/{id}/retry"), gate.changing(post(forms::retry_run)))
        .route(&cache("/jobs"), gate.reading(get(pages::jobs::list)))
        .route(&cache("/jobs/{id}"), gate.reading(get(pages::jobs::page)))
        .route(&cache("/jobs/{id}/cancel"), gate.changing(post(forms::cancel_job)))
        .route(&cache("/jobs/{id}/retry"), gate.changing(post(forms::retry_job)))
        .route(&cache("/assets/{file}"), get(pages::asset));
    layers::around(routes, &web).with_state(web)
}
