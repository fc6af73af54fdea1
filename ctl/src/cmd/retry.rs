//! `retry`: repeats jobs that did not end well.

use cached_proto::verb::cancel::Target;
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use cached_proto::words::Table;
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Arguments of `retry`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false, args = ["target", "failed"])]
pub(crate) struct RetryArgs {
    /// Number of a job, or run:NUMBER for those jobs of a run that did not end well
    #[arg(value_name = "ID")]
    pub(crate) target: Option<Target>,
    /// Every table whose newest job did not end well
    #[arg(long)]
    pub(crate) failed: bool,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &RetryArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(args.target.map_or(RetryRequest::Failed, RetryRequest::Target)).await?;
    context.print(&reply, |_| render(&reply))?;
    Ok(Exit::Good)
}

fn render(reply: &RetryReply) -> String {
    if reply.runs.is_empty() {
        return "Nothing to retry.\n".to_owned();
    }
    let runs: Vec<String> = reply.runs.iter().map(|run| format!("run {run}")).collect();
    let tables: Vec<&str> = reply.tables.iter().copied().map(Table::as_str).collect();
    format!(
        "Queued as {}: {}. `cachectl jobs --running` shows the progress.\n",
        runs.join(" and "),
        tables.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;

    #[test]
    fn the_answer_names_runs_and_tables() {
        let tables = vec![Table::DiaEventsReportCache, Table::OrganizationDetailCache];
        let reply = RetryReply { runs: vec![13, 14], tables };
        insta::assert_snapshot!(render(&reply), @"Queued as run 13 and run 14: dia_events_report_cache, organization_detail_cache. `cachectl jobs --running` shows the progress.");
        insta::assert_snapshot!(output::json(&reply).unwrap(), @r#"
        {
          "runs": [
            13,
            14
          ],
          "tables": [
            "dia_events_report_cache",
            "organization_detail_cache"
          ]
        }
        "#);
        insta::assert_snapshot!(render(&RetryReply { runs: vec![], tables: vec![] }), @"Nothing to retry.");
    }
}
