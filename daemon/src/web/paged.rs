//! Pages of lists, each with a link to the next one.

use axum::http::header::LINK;
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json::Json;

/// Most entries of a page whose client does not say how many.
pub(crate) const LISTED: u32 = 100;

/// A page as the body of a response, with a `Link` header.
#[derive(Debug, Clone)]
pub(crate) struct Paged<T> {
    page: T,
    next: Option<String>,
}

impl<T> Paged<T> {
    /// The page that was asked for at `uri`; the next one begins at `next`.
    pub(crate) fn new(page: T, uri: &Uri, next: Option<i64>) -> Self {
        Self { page, next: next.map(|cursor| following(uri, cursor)) }
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.page).into_response();
        let link = self.next.and_then(|next| HeaderValue::try_from(format!("<{next}>; rel=\"next\"")).ok());
        if let Some(link) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }
}

/// The address of the page that begins at a cursor, with everything else as it was asked for.
pub(crate) fn following(uri: &Uri, cursor: i64) -> String {
    let asked = uri.query().unwrap_or_default().split('&');
    let others = asked.filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let query: Vec<&str> = others.collect();
    let separator = if query.is_empty() { "" } else { "&" };
    format!("{}?{}{separator}cursor={cursor}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was() {
        for (asked, next) in [
            ("/api/runs", "/api/runs?cursor=7"),
            ("/api/runs?since=90d&limit=5", "/api/runs?since=90d&limit=5&cursor=7"),
            ("/api/runs?cursor=19&since=90d", "/api/runs?since=90d&cursor=7"),
        ] {
            assert_eq!(following(&asked.parse().unwrap(), 7), next);
        }
    }
}
