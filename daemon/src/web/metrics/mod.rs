//! `GET /metrics`: how things are and have gone, in Prometheus' text format 0.0.4.
//!
//! Nothing is counted here. Counters live in the state database, so that they survive restarts, and everything else is
//! looked at when somebody asks. Names begin with `cached_`, and units are seconds and bytes.
//!
//! A state database that does not answer is a 503: counters that cannot be read must not look as if they had been reset.

mod family;
mod judgement;
mod look;
mod tables;
mod work;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use prometheus::TextEncoder;

use super::Web;
use super::fault::WebFault;
use look::Look;

/// A scrape reads every cache row, so that it is not done more often than this.
const LOOKS_APART: Duration = Duration::from_secs(5);

/// Prometheus's text format. Its encoder leaves out that labels are UTF-8.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What was answered last.
#[derive(Debug)]
pub(super) struct Scrape {
    /// Monotonic.
    at: Duration,
    text: String,
}

#[utoipa::path(
    get, path = "/metrics",
    responses((status = 200, description = "How things are and have gone, for Prometheus.", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, WebFault> {
    Ok(([(CONTENT_TYPE, KIND)], text(&web).await?).into_response())
}

async fn text(web: &Web) -> Result<String, WebFault> {
    // Whoever asks meanwhile waits for the same look.
    let mut last = web.scrape().lock().await;
    let clock = &web.service().clock;
    if let Some(scrape) = &*last
        && clock.monotonic().saturating_sub(scrape.at) < LOOKS_APART
    {
        return Ok(scrape.text.clone());
    }
    let look = Look::take(web.service()).await?;
    let families = [tables::families(&look), work::families(&look), judgement::families(&look)].concat();
    let text = TextEncoder::new().encode_to_string(&families).map_err(|error| {
        WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}"))
    })?;
    *last = Some(Scrape { at: clock.monotonic(), text: text.clone() });
    Ok(text)
}
