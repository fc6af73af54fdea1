//! `POST scheduler/start` and `scheduler/stop`, with the messages that VMS gives. Both are good also when nothing changes.

use axum::extract::State;
use cached_proto::verb::scheduler::SchedulerReply;

use crate::rpc::{start_scheduler, stop_scheduler};
use crate::web::Web;
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;
use crate::web::json::{Done, Json};

type Answer = Result<Json<Done<SchedulerReply>>, WebFault>;

#[utoipa::path(
    post, path = "/management/cache/scheduler/start",
    responses((status = 200, description = "Automatic triggers fire.", body = Done<SchedulerReply>))
)]
pub(in crate::web) async fn start(State(web): State<Web>, admitted: Admitted) -> Answer {
    let reply = start_scheduler::start_scheduler(web.service(), &admitted.caller()).await?;
    Ok(Json(Done::new("Cache refresh scheduler started successfully", reply)))
}

#[utoipa::path(
    post, path = "/management/cache/scheduler/stop",
    responses((status = 200, description = "Automatic triggers do not fire.", body = Done<SchedulerReply>))
)]
pub(in crate::web) async fn stop(State(web): State<Web>, admitted: Admitted) -> Answer {
    let reply = stop_scheduler::stop_scheduler(web.service(), &admitted.caller()).await?;
    Ok(Json(Done::new("Cache refresh scheduler stopped successfully", reply)))
}
