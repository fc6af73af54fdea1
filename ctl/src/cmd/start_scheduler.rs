//! `start-scheduler`: resumes automatic refreshes.

use cached_proto::message::{Reply, Request};
use cached_proto::verb::scheduler::SchedulerReply;

use crate::cli::Json;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::{self, json};

/// Sends the request and prints the answer.
pub(crate) async fn run(format: Json, context: &Context) -> Result<Exit, CtlError> {
    let Reply::Scheduler(reply) = context.call(&Request::StartScheduler).await? else {
        return Err(CtlError::WrongReply { verb: "start-scheduler" });
    };
    output::print(&if format.json { json::render(&reply)? } else { render(&reply).to_owned() })?;
    Ok(Exit::Good)
}

const fn render(reply: &SchedulerReply) -> &'static str {
    if reply.changed {
        "The scheduler is running. What is missing or stale is being looked for.\n"
    } else {
        "The scheduler was running already.\n"
    }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::SchedulerState;

    use super::*;

    #[test]
    fn the_answer_says_whether_anything_changed() {
        let reply = |changed| SchedulerReply { scheduler: SchedulerState::Running, changed };
        insta::assert_snapshot!(render(&reply(true)), @"The scheduler is running. What is missing or stale is being looked for.");
        insta::assert_snapshot!(render(&reply(false)), @"The scheduler was running already.");
        insta::assert_snapshot!(json::render(&reply(true)).unwrap(), @r#"
        {
          "scheduler": "running",
          "changed": true
        }
        "#);
    }
}
