//! `start-scheduler` and `stop-scheduler`: resumes and pauses automatic refreshes.

use cached_proto::message::Verb;
use cached_proto::verb::scheduler::{SchedulerReply, StartRequest, StopRequest};
use cached_proto::words::SchedulerState;

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Sends the request to start and prints the answer.
pub(crate) async fn start(context: &Context) -> Result<Exit, CtlError> {
    switch(StartRequest, context).await
}

/// Sends the request to stop and prints the answer.
pub(crate) async fn stop(context: &Context) -> Result<Exit, CtlError> {
    switch(StopRequest, context).await
}

async fn switch(request: impl Verb<Reply = SchedulerReply>, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(request).await?;
    context.print(&reply, |_| render(&reply).to_owned())?;
    Ok(Exit::Good)
}

const fn render(reply: &SchedulerReply) -> &'static str {
    match (reply.scheduler, reply.changed) {
        (SchedulerState::Running, true) => {
            "The scheduler is running. Checking for missing or stale entries.\n"
        }
        (SchedulerState::Running, false) => "The scheduler is already running.\n",
        (SchedulerState::Stopped, true) => {
            "The scheduler is stopped and stays stopped after a restart. A run in progress finishes; \
             `cachectl start-scheduler` starts it again.\n"
        }
        (SchedulerState::Stopped, false) => "The scheduler is already stopped.\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;

    #[test]
    fn the_answer_says_whether_anything_changed() {
        let reply = |scheduler, changed| SchedulerReply { scheduler, changed };
        let started = |changed| reply(SchedulerState::Running, changed);
        insta::assert_snapshot!(render(&started(true)), @"The scheduler is running. Checking for missing or stale entries.");
        insta::assert_snapshot!(render(&started(false)), @"The scheduler is already running.");
        insta::assert_snapshot!(output::json(&started(true)).unwrap(), @r#"
        {
          "scheduler": "running",
          "changed": true
        }
        "#);
        let stopped = |changed| reply(SchedulerState::Stopped, changed);
        insta::assert_snapshot!(render(&stopped(true)), @"The scheduler is stopped and stays stopped after a restart. A run in progress finishes; `cachectl start-scheduler` starts it again.");
        insta::assert_snapshot!(render(&stopped(false)), @"The scheduler is already stopped.");
        insta::assert_snapshot!(output::json(&stopped(false)).unwrap(), @r#"
        {
          "scheduler": "stopped",
          "changed": false
        }
        "#);
    }
}
