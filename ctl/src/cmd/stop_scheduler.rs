//! `stop-scheduler`: pauses automatic refreshes.

use cached_proto::message::{Reply, Request};
use cached_proto::verb::scheduler::SchedulerReply;

use crate::cli::Json;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::{self, json};

/// Sends the request and prints the answer.
pub(crate) async fn run(format: Json, context: &Context) -> Result<Exit, CtlError> {
    let Reply::Scheduler(reply) = context.call(&Request::StopScheduler).await? else {
        return Err(CtlError::WrongReply { verb: "stop-scheduler" });
    };
    output::print(&if format.json { json::render(&reply)? } else { render(&reply).to_owned() })?;
    Ok(Exit::Good)
}

const fn render(reply: &SchedulerReply) -> &'static str {
    if reply.changed {
        "The scheduler is stopped, also after a restart. A run in progress finishes; \
         `cachectl start-scheduler` starts it again.\n"
    } else {
        "The scheduler was stopped already.\n"
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::SchedulerState;

    use super::*;

    #[test]
    fn the_answer_says_whether_anything_changed() {
        let reply = |changed| SchedulerReply { scheduler: SchedulerState::Stopped, changed };
        insta::assert_snapshot!(render(&reply(true)), @"The scheduler is stopped, also after a restart. A run in progress finishes; `cachectl start-scheduler` starts it again.");
        insta::assert_snapshot!(render(&reply(false)), @"The scheduler was stopped already.");
        insta::assert_snapshot!(json::render(&reply(false)).unwrap(), @r#"
        {
          "scheduler": "stopped",
          "changed": false
        }
        "#);
    }
}
