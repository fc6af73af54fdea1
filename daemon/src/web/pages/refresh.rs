//! `GET refresh` and `POST refresh`: the form to start a refresh.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{CacheType, TableState};

use super::Visit;
use super::frame::Frame;
use super::notice::{Notice, back_to};
use super::prose::Prose;
use super::shown;
use super::view::{table_title, type_title};
use crate::service::refresh;
use crate::web::Web;
use crate::web::api::refresh::Wish;
use crate::web::fault::WebFault;
use crate::web::form;
use crate::web::gate::Admitted;
use crate::web::wants::Wants;

#[derive(Template)]
#[template(path = "refresh.html")]
struct RefreshPage {
    frame: Frame,
    error: Option<Prose>,
    types: Vec<Choice>,
    /// Hours for which an entry counts as young.
    young: u32,
    /// Losses of suspiciously many rows in VMS, and what is held back for them.
    losses: Vec<Loss>,
}

/// A loss of source rows, and the tables that are held back for it.
struct Loss {
    tables: String,
    what: Prose,
}

struct Choice {
    word: &'static str,
    title: &'static str,
    what: &'static str,
}

pub(in crate::web) async fn form(State(web): State<Web>, visit: Visit) -> Response {
    filled(StatusCode::OK, &web, visit, None).await
}

/// Queues the refresh and redirects to its page, which shows progress and errors.
pub(in crate::web) async fn submit(
    State(web): State<Web>,
    admitted: Admitted,
    visit: Visit,
    wants: Wants,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, WebFault> {
    let wish = form::fields(&headers, &body).await.and_then(|fields| Wish::from_form(&fields));
    let wish = match wish {
        Ok(wish) => wish,
        Err(fault) if wants == Wants::Html => {
            return Ok(filled(fault.status(), &web, visit, Some(Prose::new(fault.told()))).await);
        }
        Err(fault) => return Err(fault),
    };
    let reply = refresh::refresh(web.service(), &admitted.caller(), &wish.request()).await?;
    web.views().forget().await;
    let notice = if reply.joined { Notice::Joined } else { Notice::Queued };
    Ok(back_to(&format!("/management/cache/runs/{}", reply.run), notice))
}

async fn filled(status: StatusCode, web: &Web, visit: Visit, error: Option<Prose>) -> Response {
    let choice = |cache_type: &CacheType| {
        let (title, what) = type_title(*cache_type);
        Choice { word: cache_type.as_str(), title, what }
    };
    let types = CacheType::ALL.iter().map(choice).collect();
    let young = web.service().config.borrow().cache.refresh_after_hours;
    // The form is useful even if the status cannot be read.
    let seen = web.views().overview(web.service()).await;
    let losses = seen.map_or_else(|_| Vec::new(), |seen| losses(&seen.status.tables));
    shown(status, &RefreshPage { frame: visit.still("Refresh", "refresh"), error, types, young, losses })
}

/// The losses for which tables are held back, each once.
fn losses(tables: &[TableStatus]) -> Vec<Loss> {
    let mut losses: Vec<(&str, Vec<&str>)> = Vec::new();
    for table in tables.iter().filter(|table| table.state == TableState::Guarded) {
        let (what, title) = (table.note.as_deref().unwrap_or_default(), table_title(table.table));
        match losses.iter_mut().find(|(known, _)| *known == what) {
            Some((_, titles)) => titles.push(title),
            None => losses.push((what, vec![title])),
        }
    }
    let loss = |(what, titles): (&str, Vec<&str>)| Loss { tables: titles.join(", "), what: Prose::new(what) };
    losses.into_iter().map(loss).collect()
}
