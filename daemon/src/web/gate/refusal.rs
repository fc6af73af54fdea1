//! Responses that refuse a visitor.

use std::time::Duration;

use axum::http::header::{LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde_json::{Value, json};

use crate::web::answer::{Json, WebFault};
use crate::web::auth::WaysIn;
use crate::web::wants::Wants;

/// VMS's own login page, which redirects to `next`.
const LOGIN: &str = "/login?next=";

/// Why a visitor may not reach a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The visitor is not authenticated.
    Unknown,
    /// VMS's database could not be queried for the visitor; logging in again would not help.
    Unavailable,
    /// The visitor is not an administrator.
    NotAdmin,
    /// Authenticated by a long-lived cookie, which is enough for viewing.
    Remembered,
    /// The request does not come from one of our pages.
    Elsewhere,
    /// Too many attempts; the time until further ones are checked.
    TooMany(Duration),
}

impl Refusal {
    pub(super) fn answer(self, parts: &Parts, wants: Wants, ways: WaysIn) -> Response {
        match (self, wants) {
            (Self::Unknown, Wants::Html) if ways.vms_login => to_login(parts),
            (Self::Unknown, Wants::Html) => challenged(no_login(ways).html()),
            (Self::Unknown, Wants::Json) => challenged(json_response(
                StatusCode::UNAUTHORIZED,
                json!({"error": "Authentication required"}),
            )),
            (Self::Unavailable, wants) => WebFault::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "VMS's database cannot be read to check your login",
            )
            .hint("try again; `cachectl health` shows what is wrong with it")
            .answer(wants),
            (Self::NotAdmin, Wants::Json) => {
                json_response(StatusCode::FORBIDDEN, json!({"error": "Unauthorized"}))
            }
            (Self::NotAdmin, Wants::Html) => {
                WebFault::new(StatusCode::FORBIDDEN, "Admin access required.").html()
            }
            (Self::Remembered, wants) => WebFault::new(
                StatusCode::FORBIDDEN,
                "log in again to do this: you are only remembered from an earlier visit",
            )
            .hint("log out of VMS and log in with your password")
            .code("log_in_again")
            .answer(wants),
            (Self::Elsewhere, wants) => {
                WebFault::new(StatusCode::FORBIDDEN, "this request does not come from a page of this daemon")
                    .hint("reload the page and try again; behind a proxy, set http.public_origin")
                    .code("wrong_origin")
                    .answer(wants)
            }
            (Self::TooMany(pause), wants) => too_many(pause, wants),
        }
    }
}

fn json_response(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

fn too_many(pause: Duration, wants: Wants) -> Response {
    let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
    let message = format!("Too many requests; try again in {seconds} seconds");
    let status = StatusCode::TOO_MANY_REQUESTS;
    let mut response = match wants {
        Wants::Html => WebFault::new(status, message).html(),
        Wants::Json => {
            let error = json!({"code": "RATE_LIMIT_EXCEEDED", "message": message});
            json_response(status, json!({"success": false, "error": error}))
        }
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Adds the authentication scheme that HTTP requires with this status; browsers open no dialogue for this
/// one.
fn challenged(mut response: Response) -> Response {
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The refusal where VMS's login is not known to be under the same host name, so that there is no login page
/// to redirect to.
fn no_login(ways: WaysIn) -> WebFault {
    let scripts = match (ways.bearer, ways.api_tokens) {
        (true, true) => {
            "scripts send `Authorization: Bearer TOKEN`, or `X-API-Token` with a token of VMS's; "
        }
        (true, false) => "scripts send `Authorization: Bearer TOKEN`; ",
        (false, true) => "scripts send `X-API-Token` with a token of VMS's; ",
        (false, false) => "",
    };
    let hint = format!(
        "{scripts}for browsers, set `http.secret_key_file` and serve these pages under VMS's own host name, so that its \
         administrators are signed in here, or set `http.open_viewing` to allow viewing from this machine; on the server, \
         `cachectl status` shows the same as this page"
    );
    WebFault::new(StatusCode::UNAUTHORIZED, "Signing in here with a browser is not set up.").hint(hint)
}

/// The path to return to after the login: the requested one, or, since a form cannot be sent again from
/// there, the page that shows what the form is about.
fn way_back(parts: &Parts) -> String {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return parts.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
    }
    let below = parts.uri.path().strip_prefix("/management/cache/").unwrap_or_default();
    let page = match below.trim_start_matches("api/").split('/').collect::<Vec<_>>()[..] {
        [kind @ ("runs" | "jobs"), id, _] if id.parse::<i64>().is_ok() => format!("{kind}/{id}"),
        ["refresh"] => "refresh".to_owned(),
        _ => "status".to_owned(),
    };
    format!("/management/cache/{page}")
}

fn to_login(parts: &Parts) -> Response {
    match HeaderValue::try_from(format!("{LOGIN}{}", encoded(&way_back(parts)))) {
        Ok(location) => (StatusCode::FOUND, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// What has to be escaped in the value of a query parameter.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Encodes a text as the value of a query parameter.
fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ESCAPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_from_the_login_cannot_leave_its_parameter() {
        for (asked, next) in [
            ("/management/cache/status", "/management/cache/status"),
            ("/a?b=c&d=%0d#e", "/a%3Fb%3Dc%26d%3D%250d%23e"),
            ("//evil.example/é", "//evil.example/%C3%A9"),
        ] {
            assert_eq!(encoded(asked).to_string(), next);
        }
    }
}
