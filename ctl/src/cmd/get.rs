//! `get`: one entry as it is stored, and its state.

use std::fmt::Write as _;

use cached_present::json::{EntryReport, payload};
use cached_proto::text::one_line;
use cached_proto::verb::get::{GetReply, GetRequest, KeyPart};
use cached_proto::words::{Table, TableState};
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::{self, View};
use crate::values;

/// Arguments of `get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The table
    #[arg(value_name = "TABLE", value_parser = values::table(), ignore_case = true)]
    pub(crate) table: Table,
    /// Known key columns, for example `school_year=2526`
    #[arg(value_name = "COLUMN=VALUE", value_parser = values::key)]
    pub(crate) key: Vec<KeyPart>,
}

/// Sends the request and prints the answer; succeeds for an entry that exists, whatever its age.
pub(crate) async fn run(args: &GetArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(GetRequest { table: args.table, key: args.key.clone() }).await?;
    output::print(&if context.as_json {
        output::json(&EntryReport::from(&reply))?
    } else {
        render(&reply, &context.zoned().await)?
    })?;
    Ok(Exit::good_if(matches!(reply.state, TableState::Fresh | TableState::Stale)))
}

fn render(reply: &GetReply, view: &View) -> Result<String, CtlError> {
    let key: Vec<String> = reply
        .key
        .iter()
        .map(|part| one_line(&format!("{}={}", part.column, part.value)).into_owned())
        .collect();
    let state = view.style.paint(reply.state.into(), reply.state.as_str());
    let mut text = [reply.table.as_str().to_owned(), key.join(" ")].join(" ").trim_end().to_owned();
    let _ = write!(text, ": {state}");
    if let Some(at) = reply.generated {
        let _ = write!(text, ", generated {} ({})", view.moment(at), view.distance(at));
    }
    match (reply.state, reply.run) {
        (TableState::Missing, Some(run)) => {
            let _ = write!(text, "; run {run} generates it");
        }
        (TableState::Missing, None) => text.push_str("; no refresh generates such an entry"),
        _ => {}
    }
    text.push('\n');
    if !reply.columns.is_empty() {
        text.push_str(&output::json(&payload(&reply.columns))?);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::get::Column;
    use cached_proto::words::{CacheType, Table};

    use super::*;
    use crate::testing::{HOSTILE, at, view};

    fn entry() -> GetReply {
        let column = |name: &str, json, text: Option<&str>| Column {
            name: name.to_owned(),
            json,
            text: text.map(str::to_owned),
        };
        GetReply {
            cache_type: CacheType::Organization,
            table: Table::OrganizationDetailCache,
            key: vec![
                KeyPart { column: "school_year".into(), value: "2627".into() },
                KeyPart { column: "organization_id".into(), value: "7".into() },
            ],
            state: TableState::Stale,
            generated: Some(at("2026-11-21T08:00:00Z")),
            age_seconds: Some(132_240.0),
            columns: vec![
                column("organization_name", false, Some(HOSTILE)),
                column("summary_stats", true, Some(r#"{"total_sessions": 3, "hours": 1.0}"#)),
                column("volunteers_data", true, Some("not JSON")),
                column("virtual_events", true, None),
            ],
            run: None,
        }
    }

    #[test]
    fn an_entry_is_shown_with_its_age() {
        insta::assert_snapshot!(render(&entry(), &view()).unwrap(), @r#"
        organization_detail_cache school_year=2627 organization_id=7: stale, generated Sat 21 Nov 02:00 CST (36 h 44 min ago)
        {
          "organization_name": "all fresh\n\u001b[2Jok \u202etxt\u2028end",
          "summary_stats": {
            "total_sessions": 3,
            "hours": 1.0
          },
          "volunteers_data": "not JSON",
          "virtual_events": null
        }
        "#);
    }

    #[test]
    fn a_missing_entry_names_the_run_that_generates_it_if_any() {
        let missing =
            GetReply { state: TableState::Missing, generated: None, columns: Vec::new(), ..entry() };
        insta::assert_snapshot!(render(&missing, &view()).unwrap(), @"organization_detail_cache school_year=2627 organization_id=7: missing; no refresh generates such an entry");
        let queued = GetReply { run: Some(12), key: Vec::new(), ..missing };
        insta::assert_snapshot!(render(&queued, &view()).unwrap(), @"organization_detail_cache: missing; run 12 generates it");
    }

    #[test]
    fn json_keeps_its_keys() {
        insta::assert_snapshot!(output::json(&EntryReport::from(&entry())).unwrap(), @r#"
        {
          "type": "organization",
          "table": "organization_detail_cache",
          "key": {
            "school_year": "2627",
            "organization_id": "7"
          },
          "state": "stale",
          "generated": "2026-11-21T08:00:00Z",
          "age_seconds": 132240.0,
          "run": null,
          "columns": {
            "organization_name": "all fresh\n\u001b[2Jok \u202etxt\u2028end",
            "summary_stats": {
              "total_sessions": 3,
              "hours": 1.0
            },
            "volunteers_data": "not JSON",
            "virtual_events": null
          }
        }
        "#);
    }
}
