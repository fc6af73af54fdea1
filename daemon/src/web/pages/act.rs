//! The buttons of the pages: each executes one verb and redirects to the page that shows the result.

use axum::extract::State;
use axum::response::Response;
use cached_proto::verb::cancel::{CancelRequest, Target};
use cached_proto::verb::retry::RetryRequest;

use super::notice::{Notice, back_to};
use crate::jobs::QueueError;
use crate::service;
use crate::web::Web;
use crate::web::extract::Number;
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;

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
    let (known, _) = web.service().queue.job(job).await?;
    retry(&web, &admitted, Target::Job(job), known.run).await
}

/// Cancels and redirects to the cancelled job or run. It may have ended while the page was being read, which
/// is no error and is reported on the page.
async fn cancel(web: &Web, admitted: &Admitted, target: Target) -> Answer {
    let request = CancelRequest { target };
    let notice = match service::jobs::cancel(web.service(), &admitted.caller(), &request).await {
        Ok(_) => Notice::Cancelled,
        Err(QueueError::Over(_)) => Notice::CancelledTooLate,
        Err(error) => return Err(error.into()),
    };
    web.views().forget().await;
    Ok(back_to(&page_of(target), notice))
}

/// Retries and redirects to the new run, or to the one at hand if there is none.
async fn retry(web: &Web, admitted: &Admitted, target: Target, at_hand: i64) -> Answer {
    let request = RetryRequest::Target(target);
    let reply = match service::jobs::retry(web.service(), &admitted.caller(), &request).await {
        Ok(reply) => reply,
        Err(QueueError::NothingToRetry(_)) => return Ok(back_to(&page_of(target), Notice::RetriedTooLate)),
        Err(error) => return Err(error.into()),
    };
    web.views().forget().await;
    let run = reply.runs.last().copied().unwrap_or(at_hand);
    Ok(back_to(&page_of(Target::Run(run)), Notice::Retried))
}

fn page_of(target: Target) -> String {
    match target {
        Target::Run(run) => format!("/management/cache/runs/{run}"),
        Target::Job(job) => format!("/management/cache/jobs/{job}"),
    }
}
