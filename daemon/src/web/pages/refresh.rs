//! `GET refresh` and `POST refresh`: choosing what is to be refreshed.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cached_proto::speech::type_title;
use cached_proto::words::CacheType;

use super::Visit;
use super::frame::Frame;
use super::notice::{Notice, back_to};
use super::prose::Prose;
use super::shown;
use crate::rpc::refresh;
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
    /// Hours for which an entry is young.
    young: u32,
}

struct Choice {
    word: &'static str,
    title: &'static str,
    what: &'static str,
}

pub(in crate::web) async fn form(State(web): State<Web>, visit: Visit) -> Response {
    filled(StatusCode::OK, &web, visit, None)
}

/// Queues the refresh and leads to its page, which shows how it goes and what went wrong.
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
            return Ok(filled(fault.status(), &web, visit, Some(Prose::new(fault.told()))));
        }
        Err(fault) => return Err(fault),
    };
    let reply = refresh::refresh(web.service(), &admitted.caller(), &wish.request()).await?;
    web.views().forget().await;
    let notice = if reply.joined { Notice::Joined } else { Notice::Queued };
    Ok(back_to(&format!("/management/cache/runs/{}", reply.run), notice))
}

fn filled(status: StatusCode, web: &Web, visit: Visit, error: Option<Prose>) -> Response {
    let choice = |cache_type: &CacheType| {
        let (title, what) = type_title(*cache_type);
        Choice { word: cache_type.as_str(), title, what }
    };
    let types = CacheType::ALL.iter().map(choice).collect();
    let young = web.service().config.borrow().cache.refresh_after_hours;
    shown(status, &RefreshPage { frame: visit.still("Refresh", "refresh"), error, types, young })
}
