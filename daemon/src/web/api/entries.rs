//! `GET api/entries/{table}`: one entry, as `cachectl get --json` prints it.
//!
//! Every `key` parameter is a key column and its value as `COLUMN=VALUE`, encoded, as in
//! `?key=school_year%3D2526&key=host_filter%3Dall`; columns may be left out as long as one entry remains.

use axum::extract::{Path, State};
use axum::http::header::{AGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use cached_present::json::EntryReport;
use cached_proto::verb::get::{GetReply, GetRequest, KeyPart};
use cached_proto::words::{Table, TableState};
use twox_hash::XxHash3_128;

use crate::service::get::{self, Missing};
use crate::web::answer::{Json, Problem, WebFault};
use crate::web::app::Web;
use crate::web::extract::Parameters;
use crate::web::gate::Admitted;

/// State of the entry: `fresh` or `stale`.
const STATE: HeaderName = HeaderName::from_static("x-cache-state");

/// Only the client itself may cache the entry, and must revalidate it each time, which the entity tag makes
/// cheap.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

#[utoipa::path(
    get, path = "/management/cache/api/entries/{table}",
    params(
        ("table" = Table, Path, description = "The table."),
        ("key" = Option<Vec<String>>, Query, description = "A key column and its value as COLUMN=VALUE.")
    ),
    responses(
        (
            status = 200, description = "The entry, fresh or stale; `X-Cache-State` shows which.", body = EntryReport,
            headers(
                ("Age" = u64, description = "Seconds since it was generated."),
                ("ETag" = String, description = "Stays the same for as long as the entry does."),
                ("Cache-Control" = String, description = "Only the client may cache it, and revalidates it each time."),
                ("X-Cache-State" = String, description = "`fresh` or `stale`.")
            )
        ),
        (
            status = 304, description = "The entry is the one that the client has.",
            headers(
                ("Age" = u64, description = "Seconds since it was generated."),
                ("ETag" = String, description = "Stays the same for as long as the entry does."),
                ("Cache-Control" = String, description = "Only the client may cache it, and revalidates it each time."),
                ("X-Cache-State" = String, description = "`fresh` or `stale`.")
            )
        ),
        (status = 404, description = "VMS would reject the entry, or the entry or table does not exist.", body = Problem)
    )
)]
pub(in crate::web) async fn entry(
    State(web): State<Web>,
    Path(table): Path<String>,
    Parameters(parameters): Parameters<Vec<(String, String)>>,
    admitted: Admitted,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, WebFault> {
    let unknown = |_| WebFault::new(StatusCode::NOT_FOUND, format!("Unknown table: {table}"));
    let table: Table = table.parse().map_err(unknown)?;
    let request = GetRequest { table, key: parameters.into_iter().map(part).collect::<Result<_, _>>()? };
    // A link on another site's page, or a cookie that only grants viewing, must not cause work.
    let may_make = admitted.may_change() && method == Method::GET;
    let then = if may_make { Missing::Make } else { Missing::Tell };
    let reply = get::get(&web.service, &request, then).await?;
    if !matches!(reply.state, TableState::Fresh | TableState::Stale) {
        return Err(useless(&reply, then));
    }
    let tag = tag(&reply);
    let known = headers.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let mut response = if known.is_some_and(|tags| names(tags, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(EntryReport::from(&reply)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, PRIVATE);
    headers.insert(STATE, HeaderValue::from_static(reply.state.as_str()));
    headers.insert(AGE, age(&reply));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    Ok(response)
}

fn part((name, value): (String, String)) -> Result<KeyPart, WebFault> {
    let refuse = |error: String| {
        WebFault::new(StatusCode::BAD_REQUEST, error).hint("write ?key=COLUMN%3DVALUE for each key column")
    };
    if name != "key" {
        return Err(refuse(format!("unknown parameter \"{name}\"")));
    }
    match value.split_once('=') {
        Some((column, value)) => Ok(KeyPart { column: column.to_owned(), value: value.to_owned() }),
        None => Err(refuse(format!("\"{value}\" is not COLUMN=VALUE"))),
    }
}

/// The response for an entry that VMS's reader would reject as well.
fn useless(reply: &GetReply, then: Missing) -> WebFault {
    let (table, state) = (reply.table, reply.state);
    let fault = match (state, reply.run) {
        (TableState::Missing, Some(run)) => WebFault::new(
            StatusCode::NOT_FOUND,
            format!("this entry of {table} is missing; run {run} generates it"),
        )
        .hint("try again when the run has ended")
        .with("run", run.to_string()),
        (TableState::Missing, None) if then == Missing::Make => {
            WebFault::new(StatusCode::NOT_FOUND, format!("no refresh generates such an entry of {table}"))
        }
        (TableState::Missing, None) => {
            WebFault::new(StatusCode::NOT_FOUND, format!("this entry of {table} is missing"))
                .hint("POST api/refresh generates it if a refresh generates such entries")
        }
        _ => WebFault::new(StatusCode::NOT_FOUND, format!("this entry of {table} is {state}"))
            .hint("POST api/refresh regenerates it"),
    };
    fault.with("state", state.as_str())
}

fn age(reply: &GetReply) -> HeaderValue {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds, not below 0")]
    let seconds = reply.age_seconds.unwrap_or_default().max(0.0) as u64;
    HeaderValue::from(seconds)
}

/// The entity tag: weak, because the body contains the age as well. It changes only when the entry or its
/// state does.
fn tag(reply: &GetReply) -> String {
    let mut text = format!("{}\0{}\0{:?}", reply.table, reply.state, reply.generated);
    let parts = reply.key.iter().flat_map(|part| [Some(part.column.as_str()), Some(part.value.as_str())]);
    let cells = reply.columns.iter().flat_map(|column| [Some(column.name.as_str()), column.text.as_deref()]);
    for cell in parts.chain(cells) {
        // Length prefixes keep adjacent cells apart; NULL has none.
        text.push_str(&cell.map_or_else(|| "\0-".to_owned(), |cell| format!("\0{}:{cell}", cell.len())));
    }
    format!("W/\"{:032x}\"", XxHash3_128::oneshot(text.as_bytes()))
}

/// Whether an `If-None-Match` contains the tag; weak and strong tags compare as equal.
fn names(tags: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.trim() == "*" || tags.split(',').any(|known| bare(known) == bare(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_found_in_any_list() {
        for (tags, known) in [
            ("*", true),
            ("W/\"a1\"", true),
            ("\"a1\"", true),
            ("W/\"b2\" , W/\"a1\"", true),
            ("W/\"a\"", false),
            ("a1", false),
            ("", false),
        ] {
            assert_eq!(names(tags, "W/\"a1\""), known, "{tags}");
        }
    }
}
