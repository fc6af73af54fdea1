//! `invalidate`: marks entries as stale, and requests a run that regenerates them.

use cached_present::count;
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
use cached_proto::words::{CacheType, Table};
use clap::Args;
use serde::Serialize;

use super::{Json, Word};
use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Arguments of `invalidate`.
#[derive(Debug, Args)]
pub(crate) struct InvalidateArgs {
    /// Cache types
    #[arg(value_name = "TYPE", required = true, value_parser = Word::TYPE)]
    pub(crate) types: Vec<CacheType>,
    /// The format.
    #[command(flatten)]
    pub(crate) format: Json,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &InvalidateArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(InvalidateRequest { types: args.types.clone() }).await?;
    context.print(args.format.json, &Invalidated::from(&reply), |_| render(&reply))?;
    Ok(Exit::Good)
}

/// The JSON form of the answer, with the run number as text like everywhere in JSON that names a run to a
/// script.
#[derive(Serialize)]
struct Invalidated<'a> {
    run: String,
    joined: bool,
    entries: u64,
    tables: &'a [Table],
}

impl<'a> From<&'a InvalidateReply> for Invalidated<'a> {
    fn from(reply: &'a InvalidateReply) -> Self {
        let InvalidateReply { tables, entries, run, joined } = reply;
        Self { run: run.to_string(), joined: *joined, entries: *entries, tables }
    }
}

fn render(reply: &InvalidateReply) -> String {
    let (entries, tables) = (count(reply.entries, "entry"), count(reply.tables.len(), "table"));
    format!("{entries} of {tables} are now stale; run {} regenerates them.\n", reply.run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;

    fn reply() -> InvalidateReply {
        let tables = vec![Table::RecentVolunteersReportCache, Table::FirstTimeVolunteerReportCache];
        InvalidateReply { tables, entries: 74, run: 12, joined: false }
    }

    #[test]
    fn the_answer_names_the_run_that_regenerates_the_entries() {
        insta::assert_snapshot!(render(&reply()), @"74 entries of 2 tables are now stale; run 12 regenerates them.");
    }

    #[test]
    fn json_keeps_its_keys() {
        insta::assert_snapshot!(output::json(&Invalidated::from(&reply())).unwrap(), @r#"
        {
          "run": "12",
          "joined": false,
          "entries": 74,
          "tables": [
            "recent_volunteers_report_cache",
            "first_time_volunteer_report_cache"
          ]
        }
        "#);
    }
}
