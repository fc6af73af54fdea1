//! The buttons of the pages: each does one verb and leads to the page that shows what came of it.

use axum::extract::State;
use axum::response::Response;
use cached_proto::verb::cancel::{CancelRequest, Target};
use cached_proto::verb::retry::RetryRequest;

use super::notice::{Notice, back_to};
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
    cancel(&web, &admitted, Target::Run(run)).await?;
    Ok(back_to(&format!("/management/cache/runs/{run}"), Notice::Cancelled))
}

pub(in crate::web) async fn cancel_job(
    State(web): State<Web>,
    admitted: Admitted,
    Number(job): Number,
) -> Answer {
    cancel(&web, &admitted, Target::Job(job)).await?;
    Ok(back_to(&format!("/management/cache/jobs/{job}"), Notice::Cancelled))
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
    let (known, _) = web.service().queue.job(job).await.map_err(cached_proto::fault::Fault::from)?;
    retry(&web, &admitted, Target::Job(job), known.run).await
}

async fn cancel(web: &Web, admitted: &Admitted, target: Target) -> Result<(), WebFault> {
    rpc::cancel::cancel(web.service(), &admitted.caller(), &CancelRequest { target }).await?;
    web.views().forget().await;
    Ok(())
}

/// Leads to the run that tries again; where nobody else does, to the one at hand.
async fn retry(web: &Web, admitted: &Admitted, target: Target, at_hand: i64) -> Answer {
    let request = RetryRequest::Target(target);
    let reply = rpc::retry::retry(web.service(), &admitted.caller(), &request).await?;
    web.views().forget().await;
    let run = reply.runs.last().copied().unwrap_or(at_hand);
    Ok(back_to(&format!("/management/cache/runs/{run}"), Notice::Retried))
}
