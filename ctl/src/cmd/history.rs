//! `history`: past runs, newest first.

use std::collections::BTreeMap;

use cached_present::{duration, spoken, standing};
use cached_proto::hello::PAGES;
use cached_proto::verb::history::{HistoryPageRequest, HistoryReply, HistoryRequest, Run};
use cached_proto::verb::jobs::UnknownRow;
use clap::Args;
use comfy_table::Cell;
use serde::Serialize;

use super::jobs::unknown;
use crate::context::{ANSWER, Context};
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};
use crate::values;
use crate::when::{self, When};

/// Arguments of `history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// From when on: how long ago (36h, 30d), or a day in the zone of the schedule (2026-11-01, yesterday)
    #[arg(long, value_name = "WHEN", default_value = "7d", value_parser = when::when)]
    pub(crate) since: When,
    /// Maximum number of runs [default: all of that time]
    #[arg(short = 'n', long, value_name = "N", value_parser = values::whole(1..=10_000_u32))]
    pub(crate) limit: Option<u32>,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &HistoryArgs, context: &Context) -> Result<Exit, CtlError> {
    let since_seconds = context.seconds_since(args.since).await?;
    let limit = args.limit.unwrap_or(u32::MAX);
    let history = fetch(HistoryPageRequest { since_seconds, before: None, limit }, context).await?;
    context.print_zoned(&history, |view| render(&history, view)).await?;
    Ok(Exit::Good)
}

/// All pages together.
#[derive(Debug, Default, Serialize)]
pub(super) struct History {
    pub(super) runs: Vec<Run>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unknown: Vec<UnknownRow>,
}

/// Fetches the pages from this one on, until the limit is reached.
pub(super) async fn fetch(mut request: HistoryPageRequest, context: &Context) -> Result<History, CtlError> {
    let mut client = context.connect(ANSWER).await?;
    let HistoryPageRequest { since_seconds, before, limit } = request;
    let missing = |runs: &[Run]| limit.saturating_sub(u32::try_from(runs.len()).unwrap_or(u32::MAX));
    let mut history = History::default();
    if client.protocol() < PAGES {
        let HistoryReply { runs } = client.call(HistoryRequest { since_seconds }).await?;
        history.runs = runs.into_iter().filter(|run| before.is_none_or(|before| run.id < before)).collect();
        history.runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        return Ok(history);
    }
    loop {
        let page = client.call(request.clone()).await?;
        history.runs.extend(page.runs);
        history.unknown.extend(page.unknown);
        request.before = page.next;
        request.limit = missing(&history.runs);
        if page.next.is_none() || request.limit == 0 {
            return Ok(history);
        }
    }
}

fn render(history: &History, view: &View) -> String {
    let unknown = unknown(&history.unknown);
    if history.runs.is_empty() {
        return format!("No runs in that time; `--since` reaches further back.\n{unknown}");
    }
    let columns = [
        numbers("RUN"),
        words("TRIGGER"),
        words("QUEUED"),
        words("OUTCOME"),
        numbers("TOOK"),
        words("TABLES"),
    ];
    let rows = history.runs.iter().map(|run| row(run, view)).collect();
    table::render(view, &columns, rows) + &unknown
}

fn row(run: &Run, view: &View) -> Vec<Cell> {
    vec![
        cell(run.id.to_string()),
        cell(spoken(run.trigger.as_str())),
        cell(view.moment(run.queued)),
        toned(standing(run.phase, run.outcome)),
        cell(if run.ended.is_some() { duration(run.seconds) } else { "-".to_owned() }),
        cell(tally(run)),
    ]
}

/// Counts the tables by state: `9 rebuilt, 1 failed`.
fn tally(run: &Run) -> String {
    let mut standings = BTreeMap::<(Option<_>, _), (String, usize)>::new();
    for job in &run.jobs {
        let (word, _) = standing(job.phase, job.outcome);
        standings.entry((job.outcome, job.phase.as_str())).or_insert((word, 0)).1 += 1;
    }
    let parts: Vec<String> =
        standings.into_values().map(|(word, number)| format!("{number} {word}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{Outcome, Phase, Table, Trigger};

    use super::*;
    use crate::output;
    use crate::testing::{at, job, run, view};

    #[test]
    fn a_run_is_listed_with_its_tables_by_state() {
        let jobs = vec![
            job(1, Table::DistrictYearEndReports, Outcome::Rebuilt),
            job(2, Table::OrganizationDetailCache, Outcome::Failed),
            job(3, Table::OrganizationSummaryCache, Outcome::Rebuilt),
        ];
        let queued =
            Run { id: 13, phase: Phase::Queued, started: None, ended: None, outcome: None, ..run(vec![]) };
        let night =
            Run { id: 11, trigger: Trigger::CatchUp, queued: at("2025-11-02T08:00:00Z"), ..run(vec![]) };
        let text = render(&History { unknown: Vec::new(), runs: vec![queued, run(jobs), night] }, &view());
        insta::assert_snapshot!(text, @r"
        RUN  TRIGGER   QUEUED                    OUTCOME    TOOK  TABLES
         13  manual    Sun 22 Nov 14:40 CST      queued        -  none
         12  manual    Sun 22 Nov 14:40 CST      failed   4.56 s  2 rebuilt, 1 failed
         11  catch up  Sun 2 Nov 2025 02:00 CST  done     4.56 s  none
        ");
    }

    #[test]
    fn an_empty_history_names_the_since_flag() {
        insta::assert_snapshot!(render(&History::default(), &view()), @"No runs in that time; `--since` reaches further back.");
    }

    #[test]
    fn json_keeps_its_keys() {
        let night = Run { slot: Some("2026-11-22 02:00".into()), trigger: Trigger::Schedule, ..run(vec![]) };
        insta::assert_snapshot!(output::json(&History { unknown: Vec::new(), runs: vec![night] }).unwrap(), @r#"
        {
          "runs": [
            {
              "id": 12,
              "trigger": "schedule",
              "slot": "2026-11-22 02:00",
              "phase": "done",
              "queued": "2026-11-22T20:40:00Z",
              "started": "2026-11-22T20:40:01Z",
              "ended": "2026-11-22T20:40:05Z",
              "seconds": 4.56,
              "outcome": null,
              "jobs": [],
              "write_lock": {
                "count": 0,
                "seconds": 0.0,
                "longest": 0.0
              }
            }
          ]
        }
        "#);
    }
}
