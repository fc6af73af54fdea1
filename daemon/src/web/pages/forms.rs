//! Forms: `GET refresh` and `POST refresh`, to begin a refresh; and the buttons. Each button executes one verb and
//! redirects to the page that shows the result.

use crate::describe::type_title;
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cached_proto::verb::cancel::{CancelRequest, Target};
use cached_proto::verb::retry::RetryRequest;
use cached_proto::verb::status::TableStatus;
use cached_proto::words::{CacheType, TableState};

use super::Visit;
use crate::jobs::QueueError;
use crate::service;
use crate::vms::tables::spec;
use crate::web::answer::WebFault;
use crate::web::app::Web;
use crate::web::extract::{Number, fields};
use crate::web::frame::{Frame, Notice, Prose, back_to, shown};
use crate::web::gate::Admitted;
use crate::web::wants::Wants;
use crate::web::wish::Wish;

#[derive(Template)]
#[template(path = "refresh.html")]
struct RefreshPage {
    frame: Frame,
    error: Option<Prose>,
    types: Vec<Choice>,
    /// Hours for which an entry counts as young.
    young: u32,
    /// Losses of suspiciously many rows in VMS, and the tables that are held back for them.
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

pub(in crate::web) async fn refresh(State(web): State<Web>, visit: Visit) -> Response {
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
    let wish = fields(&headers, &body).await.and_then(|fields| Wish::from_form(&fields));
    let wish = match wish {
        Ok(wish) => wish,
        Err(fault) if wants == Wants::Html => {
            return Ok(filled(fault.status(), &web, visit, Some(Prose::new(fault.message_and_hint()))).await);
        }
        Err(fault) => return Err(fault),
    };
    let reply = service::refresh::refresh(&web.service, &admitted.caller(), &wish.request()).await?;
    let notice = if reply.joined { Notice::Joined } else { Notice::Queued };
    Ok(back_to(&format!("/management/cache/runs/{}", reply.run), notice))
}

async fn filled(status: StatusCode, web: &Web, visit: Visit, error: Option<Prose>) -> Response {
    let choice = |cache_type: &CacheType| {
        let (title, what) = type_title(*cache_type);
        Choice { word: cache_type.as_str(), title, what }
    };
    let types = CacheType::ALL.iter().map(choice).collect();
    let young = web.service.config.borrow().cache.refresh_after_hours;
    // The form is useful even if the status cannot be read.
    let overview = web.views.overview(&web.service).await;
    let losses = overview.map_or_else(|_| Vec::new(), |overview| losses(&overview.status.tables));
    shown(status, &RefreshPage { frame: visit.still("Refresh", "refresh"), error, types, young, losses })
}

/// The losses for which tables are held back, each once.
fn losses(tables: &[TableStatus]) -> Vec<Loss> {
    let mut losses: Vec<(&str, Vec<&str>)> = Vec::new();
    for table in tables.iter().filter(|table| table.state == TableState::Guarded) {
        let (what, title) = (table.note.as_deref().unwrap_or_default(), spec(table.table).title);
        match losses.iter_mut().find(|(known, _)| *known == what) {
            Some((_, titles)) => titles.push(title),
            None => losses.push((what, vec![title])),
        }
    }
    let loss = |(what, titles): (&str, Vec<&str>)| Loss { tables: titles.join(", "), what: Prose::new(what) };
    losses.into_iter().map(loss).collect()
}

type Answer = Result<Response, WebFault>;

pub(in crate::web) async fn cancel_run(
    State(web): State<Web>,
    admitted: Admitted,
    Number(run): Number,
) -> Answer {
    cancel(&web, &admitted, Target::Run(run)).await
}

pub(in crate::web) async fn cancel_job(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Answer {
    cancel(&web, &admitted, Target::Job(job)).await
}

pub(in crate::web) async fn retry_run(
    State(web): State<Web>,
    admitted: Admitted,
    Number(run): Number,
) -> Answer {
    retry(&web, &admitted, Target::Run(run), run).await
}

pub(in crate::web) async fn retry_job(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Answer {
    let (known, _) = web.service.queue.job(job).await?;
    retry(&web, &admitted, Target::Job(job), known.run).await
}

/// Cancels and redirects to the cancelled job or run. It may have ended while the page was being read, which
/// is no error and is reported on the page.
async fn cancel(web: &Web, admitted: &Admitted, target: Target) -> Answer {
    let request = CancelRequest { target };
    let notice = match service::jobs::cancel(&web.service, &admitted.caller(), &request).await {
        Ok(_) => Notice::Cancelled,
        Err(QueueError::Over(_)) => Notice::CancelledTooLate,
        Err(error) => return Err(error.into()),
    };
    Ok(back_to(&page_of(target), notice))
}

/// Retries and redirects to the new run, or to the one at hand if there is none.
async fn retry(web: &Web, admitted: &Admitted, target: Target, at_hand: i64) -> Answer {
    let request = RetryRequest::Target(target);
    let reply = match service::jobs::retry(&web.service, &admitted.caller(), &request).await {
        Ok(reply) => reply,
        Err(QueueError::NothingToRetry(_)) => return Ok(back_to(&page_of(target), Notice::RetriedTooLate)),
        Err(error) => return Err(error.into()),
    };
    let run = reply.runs.last().copied().unwrap_or(at_hand);
    Ok(back_to(&page_of(Target::Run(run)), Notice::Retried))
}

fn page_of(target: Target) -> String {
    match target {
        Target::Run(run) => format!("/management/cache/runs/{run}"),
        Target::Job(job) => format!("/management/cache/jobs/{job}"),
    }
}
