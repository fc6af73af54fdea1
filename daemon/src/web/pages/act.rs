//! The buttons of the pages: each does one verb and leads to the page that shows what came of it.

use axum::extract::State;
use axum::response::Response;
use cached_proto::verb::cancel::{CancelRequest, Target};
use cached_proto::verb::retry::RetryRequest;

use super::notice::{Notice, back_to};
use crate::queue::QueueError;
use crate::rpc;
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

/// Leads to what was called off. That it has ended while its page was read is ordinary, and told there.
async fn cancel(web: &Web, admitted: &Admitted, target: Target) -> Answer {
    let request = CancelRequest { target };
    let notice = match rpc::cancel::cancel(web.service(), &admitted.caller(), &request).await {
        Ok(_) => Notice::Cancelled,
        Err(QueueError::Over(_)) => Notice::CancelledTooLate,
        Err(error) => return Err(error.into()),
    };
    web.views().forget().await;
    Ok(back_to(&page_of(target), notice))
}

/// Leads to the run that tries again; where none is new, to the one at hand.
async fn retry(web: &Web, admitted: &Admitted, target: Target, at_hand: i64) -> Answer {
    let request = RetryRequest::Target(target);
    let reply = match rpc::retry::retry(web.service(), &admitted.caller(), &request).await {
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
