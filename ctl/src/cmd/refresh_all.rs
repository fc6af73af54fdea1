//! `refresh-all`: refreshes everything.

use cached_proto::verb::refresh::RefreshRequest;

use crate::cli::RefreshAllArgs;
use crate::cmd::refresh;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;

/// Requests a run of everything and follows it.
pub(crate) async fn run(args: &RefreshAllArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = RefreshRequest { force: args.force, ..RefreshRequest::default() };
    refresh::follow(request, &args.follow, context).await
}
