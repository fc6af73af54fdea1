//! `cancel`: cancels a job or a run.

use cached_proto::verb::cancel::{CancelReply, CancelRequest, Target};
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// Number of a job, or run:NUMBER for all jobs of a run
    #[arg(value_name = "ID")]
    pub(crate) target: Target,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &CancelArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(CancelRequest { target: args.target }).await?;
    context.print(&reply, |_| render(&reply))?;
    Ok(Exit::Good)
}

fn render(reply: &CancelReply) -> String {
    let line = |jobs: &[i64], state: &str| match jobs {
        [] => String::new(),
        [job] => format!("Job {job} {state}.\n"),
        jobs => {
            let jobs: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            format!(
                "Jobs {} {}.\n",
                jobs.join(", "),
                state.replacen("is", "are", 1).replacen("stops", "stop", 1)
            )
        }
    };
    line(&reply.cancelled, "is cancelled")
        + &line(&reply.stopping, "stops at the next group; `cachectl job` with the number shows when")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;

    #[test]
    fn cancelled_jobs_and_jobs_that_still_stop_have_separate_lines() {
        let reply = CancelReply { cancelled: vec![8, 9], stopping: vec![7] };
        insta::assert_snapshot!(render(&reply), @r"
        Jobs 8, 9 are cancelled.
        Job 7 stops at the next group; `cachectl job` with the number shows when.
        ");
        insta::assert_snapshot!(output::json(&reply).unwrap(), @r#"
        {
          "cancelled": [
            8,
            9
          ],
          "stopping": [
            7
          ]
        }
        "#);
    }
}
