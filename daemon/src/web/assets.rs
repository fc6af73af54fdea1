//! Style sheet, script and icon of the pages. They are embedded in the binary and change only with it.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use twox_hash::XxHash3_128;

use super::fault::WebFault;

#[cfg(test)]
mod contrast;

/// An asset's URL changes with its content, so it may be cached indefinitely.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

struct Asset {
    name: &'static str,
    kind: HeaderValue,
    text: &'static str,
}

const STYLE: Asset = Asset {
    name: "style.css",
    kind: HeaderValue::from_static("text/css; charset=utf-8"),
    text: include_str!("../../assets/style.css"),
};

const SCRIPT: Asset = Asset {
    name: "live.js",
    kind: HeaderValue::from_static("text/javascript; charset=utf-8"),
    text: include_str!("../../assets/live.js"),
};

const ICON: Asset = Asset {
    name: "icon.svg",
    kind: HeaderValue::from_static("image/svg+xml"),
    text: include_str!("../../assets/icon.svg"),
};

/// Hash of all assets, which changes when one of them does.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all = [STYLE.text, SCRIPT.text, ICON.text].concat();
    format!("{:032x}", XxHash3_128::oneshot(all.as_bytes()))
});

/// Version of the assets, which is part of their URLs.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// Serves an asset without authentication, because error pages, which need the assets, are public.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, WebFault> {
    let Some(asset) = [STYLE, SCRIPT, ICON].into_iter().find(|asset| asset.name == name) else {
        return Err(WebFault::new(StatusCode::NOT_FOUND, format!("there is no asset \"{name}\"")));
    };
    let tag = format!("\"{}\"", version());
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let mut response = if known.is_some_and(|tags| tags.contains(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.text.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, asset.kind);
    headers.insert(CACHE_CONTROL, FOREVER);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}
