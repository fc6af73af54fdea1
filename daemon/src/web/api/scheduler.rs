//! `POST scheduler/start` and `scheduler/stop`, with VMS's messages. Both succeed even if nothing changes.
//! The buttons of the status page use these routes as well, and return to that page.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use cached_proto::verb::scheduler::SchedulerReply;

use crate::service::scheduler;
use crate::web::Web;
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;
use crate::web::json::{Done, Json};
use crate::web::pages::{Notice, back_to};
use crate::web::wants::Wants;

const STATUS: &str = "/management/cache/status";

#[utoipa::path(
    post, path = "/management/cache/scheduler/start",
    responses(
        (status = 200, description = "Automatic triggers fire.", body = Done<SchedulerReply>),
        (
            status = 303, description = "The same for who wants a page: back to the status page.",
            headers(("Location" = String, description = "The page."))
        )
    )
)]
pub(in crate::web) async fn start(
    State(web): State<Web>,
    admitted: Admitted,
    wants: Wants,
) -> Result<Response, WebFault> {
    let reply = scheduler::start(web.service(), &admitted.caller()).await?;
    web.views().forget().await;
    Ok(match wants {
        Wants::Html => back_to(STATUS, Notice::Started),
        Wants::Json => Json(Done::new("Cache refresh scheduler started successfully", reply)).into_response(),
    })
}

#[utoipa::path(
    post, path = "/management/cache/scheduler/stop",
    responses(
        (status = 200, description = "Automatic triggers do not fire.", body = Done<SchedulerReply>),
        (
            status = 303, description = "The same for who wants a page: back to the status page.",
            headers(("Location" = String, description = "The page."))
        )
    )
)]
pub(in crate::web) async fn stop(
    State(web): State<Web>,
    admitted: Admitted,
    wants: Wants,
) -> Result<Response, WebFault> {
    let reply = scheduler::stop(web.service(), &admitted.caller()).await?;
    web.views().forget().await;
    Ok(match wants {
        Wants::Html => back_to(STATUS, Notice::Stopped),
        Wants::Json => Json(Done::new("Cache refresh scheduler stopped successfully", reply)).into_response(),
    })
}
