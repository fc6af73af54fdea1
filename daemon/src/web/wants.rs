//! Whether a client is a browser or a script.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::request::Parts;

/// The form in which a client wants errors reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A page, or a redirect to one.
    Html,
    /// JSON.
    Json,
}

impl Wants {
    /// Follows VMS's rule: JSON for clients that send JSON, for `XMLHttpRequest`, and for clients that accept
    /// JSON and no page. For paths without pages, JSON also for clients that do not ask for a page.
    pub(crate) fn of(parts: &Parts) -> Self {
        let accepts = |kind: &str| has(&parts.headers, ACCEPT.as_str(), kind);
        let is_script = is_json(&parts.headers)
            || has(&parts.headers, "x-requested-with", "xmlhttprequest")
            || (accepts("application/json") && !accepts("text/html"))
            || (!has_pages(parts.uri.path()) && !accepts("text/html"));
        if is_script { Self::Json } else { Self::Html }
    }
}

impl<S: Sync> FromRequestParts<S> for Wants {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// Whether the content type of the body is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    is_kind(headers, |kind| kind == "application/json" || kind.ends_with("+json"))
}

/// Whether the content type of the body is that of an ordinary form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    is_kind(headers, |kind| kind == "application/x-www-form-urlencoded")
}

/// The content type of the body, with its parameters; empty if there is none.
fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_kind(headers: &HeaderMap, is: impl Fn(&str) -> bool) -> bool {
    is(content_type(headers).split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str())
}

fn has(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.into_iter().any(|value| value.to_ascii_lowercase().contains(word))
}

/// Whether this path has pages for people.
pub(super) fn has_pages(path: &str) -> bool {
    path.strip_prefix("/management/cache")
        .is_some_and(|rest| !["/api/", "/scheduler/"].iter().any(|part| rest.starts_with(part)))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn browsers_get_pages_and_scripts_get_json() {
        const PAGE: &str = "/management/cache/status";
        const API: &str = "/management/cache/api/status";
        const BROWSER: &str = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8";
        for (path, headers, wants) in [
            (PAGE, &[][..], Wants::Html),
            (PAGE, &[("accept", "*/*")], Wants::Html),
            (PAGE, &[("accept", BROWSER)], Wants::Html),
            (PAGE, &[("accept", "application/json")], Wants::Json),
            (PAGE, &[("accept", "text/plain"), ("accept", "Application/JSON")], Wants::Json),
            (PAGE, &[("accept", BROWSER), ("content-type", "application/json; charset=utf-8")], Wants::Json),
            (PAGE, &[("accept", BROWSER), ("content-type", "text/json")], Wants::Html),
            (PAGE, &[("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")], Wants::Json),
            (API, &[("accept", "*/*")], Wants::Json),
            (API, &[("accept", BROWSER)], Wants::Html),
            ("/health", &[], Wants::Json),
            ("/nowhere", &[("accept", BROWSER)], Wants::Html),
        ] {
            let mut request = Request::get(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(Wants::of(&parts), wants, "{path} {headers:?}");
        }
    }
}
