//! `invalidate`: marks entries as stale, and requests a run that regenerates them.

use std::collections::BTreeSet;

use cached_present::count;
use cached_proto::verb::invalidate::{InvalidateReply, InvalidateRequest};
use cached_proto::verb::refresh::Choice;
use cached_proto::words::{CacheType, Table};
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::note;
use crate::values;

/// Arguments of `invalidate`.
#[derive(Debug, Args)]
pub(crate) struct InvalidateArgs {
    /// Cache types, or all; the name of a table means the type that it belongs to
    #[arg(value_name = "TYPE", required = true, value_parser = values::choice(), ignore_case = true)]
    pub(crate) types: Vec<Choice>,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &InvalidateArgs, context: &Context) -> Result<Exit, CtlError> {
    for choice in &args.types {
        if let Choice::Table(table) = choice {
            note(&format!(
                "note: {table} is invalidated with all tables of its type, {}",
                table.cache_type()
            ));
        }
    }
    let reply = context.call(InvalidateRequest { types: types(&args.types) }).await?;
    context.print(&Invalidated::from(&reply), |_| render(&reply))?;
    Ok(Exit::Good)
}

/// The types that are invalidated, which is only possible for all tables of one.
fn types(choices: &[Choice]) -> Vec<CacheType> {
    let (types, tables) = Choice::request(choices.iter().copied());
    if types.is_empty() && tables.is_empty() {
        return CacheType::ALL.to_vec();
    }
    let types: BTreeSet<CacheType> =
        types.into_iter().chain(tables.iter().map(|table| table.cache_type())).collect();
    types.into_iter().collect()
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
    let (are, them) = if reply.entries == 1 { ("is", "it") } else { ("are", "them") };
    format!("{entries} of {tables} {are} now stale; run {} regenerates {them}.\n", reply.run)
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
        let one = InvalidateReply { tables: vec![Table::DiaEventsReportCache], entries: 1, ..reply() };
        insta::assert_snapshot!(render(&one), @"1 entry of 1 table is now stale; run 12 regenerates it.");
    }

    #[test]
    fn a_table_stands_for_its_type_and_all_for_every_type() {
        let (recruitment, dia) =
            (Choice::Type(CacheType::Recruitment), Choice::Table(Table::DiaEventsReportCache));
        assert_eq!(types(&[dia]), [CacheType::Recruitment]);
        assert_eq!(
            types(&[recruitment, Choice::Type(CacheType::District), dia]),
            [CacheType::District, CacheType::Recruitment]
        );
        assert_eq!(types(&[dia, Choice::All]), CacheType::ALL);
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
