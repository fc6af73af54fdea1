//! `GET api/tables`: what `cachectl status --sizes --json` prints.

use axum::extract::State;
use cached_proto::verb::status::{StatusReply, StatusRequest};

use crate::service::status;
use crate::web::Web;
use crate::web::fault::WebFault;
use crate::web::json::Json;

#[utoipa::path(
    get, path = "/management/cache/api/tables",
    responses((status = 200, description = "The tables, and what comes next.", body = StatusReply))
)]
pub(in crate::web) async fn tables(State(web): State<Web>) -> Result<Json<StatusReply>, WebFault> {
    Ok(Json(status::status(web.service(), &StatusRequest { sizes: true }).await?))
}
