//! `GET /metrics`: current state and history, in Prometheus' text format 0.0.4.
//!
//! Nothing is counted in this module. Counters are stored in the state database, so that they survive
//! restarts, and everything else is read at each scrape. Names begin with `cached_`, and units are seconds
//! and bytes.
//!
//! If the state database does not answer, the response is a 503: counters that cannot be read must not scrape
//! as if they had been reset.

mod family;
mod judgement;
mod scrape;
mod tables;
mod work;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use cached_proto::fault::{Fault, FaultCode};
use prometheus::TextEncoder;

use super::Web;
use super::fault::WebFault;
use crate::service::Service;
use crate::service::fault::fault;
use scrape::Scrape;

/// Prometheus's text format. The constant of its encoder omits that labels are UTF-8.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

#[utoipa::path(
    get, path = "/metrics",
    responses((status = 200, description = "How things are and have gone, for Prometheus.", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, WebFault> {
    let text = web.views().metrics(web.probes()).await?;
    Ok(([(CONTENT_TYPE, KIND)], text.to_string()).into_response())
}

/// Renders the text of a scrape.
pub(super) async fn text(service: &Service) -> Result<String, Fault> {
    let scrape = Scrape::take(service).await?;
    let families =
        [tables::families(&scrape), work::families(&scrape), judgement::families(&scrape)].concat();
    TextEncoder::new().encode_to_string(&families).map_err(|error| {
        fault(FaultCode::Internal, &format!("the metrics cannot be written: {error}"), "report this as a bug")
    })
}
