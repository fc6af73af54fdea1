//! `retry`: repeats jobs that did not end well.

use cached_proto::message::{Reply, Request};
use cached_proto::verb::retry::{RetryReply, RetryRequest};
use cached_proto::words::Table;

use crate::cli::RetryArgs;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::{self, json};

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &RetryArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = args.target.map_or(RetryRequest::Failed, RetryRequest::Target);
    let Reply::Retry(reply) = context.call(&Request::Retry(request)).await? else {
        return Err(CtlError::WrongReply { verb: "retry" });
    };
    output::print(&if args.format.json { json::render(&reply)? } else { render(&reply) })?;
    Ok(Exit::Good)
}

fn render(reply: &RetryReply) -> String {
    if reply.runs.is_empty() {
        return "No table's newest job failed.\n".to_owned();
    }
    let runs: Vec<String> = reply.runs.iter().map(|run| format!("run {run}")).collect();
    let tables: Vec<&str> = reply.tables.iter().copied().map(Table::as_str).collect();
    format!(
        "Queued as {}: {}. `cachectl jobs --running` shows how it goes.\n",
        runs.join(" and "),
        tables.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_runs_and_tables() {
        let tables = vec![Table::DiaEventsReportCache, Table::OrganizationDetailCache];
        let reply = RetryReply { runs: vec![13, 14], tables };
        insta::assert_snapshot!(render(&reply), @"Queued as run 13 and run 14: dia_events_report_cache, organization_detail_cache. `cachectl jobs --running` shows how it goes.");
        insta::assert_snapshot!(json::render(&reply).unwrap(), @r#"
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
        insta::assert_snapshot!(render(&RetryReply { runs: vec![], tables: vec![] }), @"No table's newest job failed.");
    }
}
