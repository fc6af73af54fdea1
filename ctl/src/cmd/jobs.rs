//! `jobs`: the jobs the daemon knows, newest first.

use std::fmt::Write as _;

use cached_present::{count, duration, spoken, standing};
use cached_proto::hello::PAGES;
use cached_proto::text::one_line;
use cached_proto::verb::jobs::{Job, JobFilter, JobsPageRequest, JobsReply, JobsRequest, UnknownRow};
use clap::Args;
use comfy_table::Cell;
use serde::Serialize;

use crate::context::{ANSWER, Context};
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};
use crate::values;

/// Arguments of `jobs`.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Only jobs that ended badly
    #[arg(long, conflicts_with = "running")]
    pub(crate) failed: bool,
    /// Only jobs that are queued or running
    #[arg(long)]
    pub(crate) running: bool,
    /// Maximum number of jobs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100, value_parser = values::whole(1..=10_000_u32))]
    pub(crate) limit: u32,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &JobsArgs, context: &Context) -> Result<Exit, CtlError> {
    let filter = match (args.failed, args.running) {
        (true, _) => JobFilter::Failed,
        (_, true) => JobFilter::Running,
        _ => JobFilter::All,
    };
    let jobs = fetch(filter, args.limit, context).await?;
    context.print_zoned(&jobs, |view| render(&jobs, filter, view)).await?;
    Ok(Exit::Good)
}

/// All pages together.
#[derive(Debug, Default, Serialize)]
struct Jobs {
    jobs: Vec<Job>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<UnknownRow>,
}

async fn fetch(filter: JobFilter, limit: u32, context: &Context) -> Result<Jobs, CtlError> {
    let mut client = context.connect(ANSWER).await?;
    if client.protocol() < PAGES {
        let JobsReply { jobs } = client.call(JobsRequest { filter, limit }).await?;
        return Ok(Jobs { jobs, unknown: Vec::new() });
    }
    let mut all = Jobs::default();
    let mut request = JobsPageRequest { filter, before: None, limit };
    loop {
        let page = client.call(request.clone()).await?;
        all.jobs.extend(page.jobs);
        all.unknown.extend(page.unknown);
        request.before = page.next;
        request.limit = limit.saturating_sub(u32::try_from(all.jobs.len()).unwrap_or(u32::MAX));
        if page.next.is_none() || request.limit == 0 {
            return Ok(all);
        }
    }
}

/// Names the rows that cannot be listed, with their words as they are stored; empty when there are none.
pub(super) fn unknown(rows: &[UnknownRow]) -> String {
    let mut text = String::new();
    if rows.is_empty() {
        return text;
    }
    let number = count(rows.len(), "entry");
    let _ = writeln!(
        text,
        "\n{number} with words that this version of cached does not know; kept, but not processed:"
    );
    for UnknownRow { run, job, trigger, table, phase, outcome } in rows {
        let of = job.map_or_else(|| format!("run {run}"), |job| format!("job {job} of run {run}"));
        let words = [("trigger", Some(trigger)), ("table", table.as_ref()), ("phase", Some(phase))];
        let words = words.into_iter().chain([("outcome", outcome.as_ref())]);
        let words: Vec<String> =
            words.filter_map(|(what, word)| Some(format!("{what} {}", one_line(word?)))).collect();
        let _ = writeln!(text, "{of}: {}", words.join(", "));
    }
    text
}

fn render(reply: &Jobs, filter: JobFilter, view: &View) -> String {
    let unknown = unknown(&reply.unknown);
    if reply.jobs.is_empty() {
        let none = match filter {
            JobFilter::All => "No jobs yet.\n",
            JobFilter::Failed => "No failed jobs.\n",
            JobFilter::Running => "No job is queued or running.\n",
        };
        return none.to_owned() + &unknown;
    }
    let columns = [
        numbers("JOB"),
        numbers("RUN"),
        words("TABLE"),
        words("OUTCOME"),
        numbers("ENTRIES").secondary(),
        words("TRIGGER").secondary(),
        numbers("TOOK").secondary(),
        words("QUEUED"),
    ];
    let rows = reply.jobs.iter().map(|job| row(job, view)).collect();
    let mut text = table::render(view, &columns, rows);
    let mut gap = "\n";
    for job in &reply.jobs {
        if let Some(error) = &job.error {
            let _ = writeln!(text, "{gap}job {}, {}: {}", job.id, job.table, one_line(error));
            gap = "";
        }
    }
    text + &unknown
}

fn row(job: &Job, view: &View) -> Vec<Cell> {
    vec![
        cell(job.id.to_string()),
        cell(job.run.to_string()),
        cell(job.table.as_str()),
        toned(standing(job.phase, job.outcome)),
        cell(job.figures.entries.to_string()),
        cell(spoken(job.trigger.as_str())),
        cell(duration(job.figures.seconds)),
        cell(view.moment(job.queued)),
    ]
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{Outcome, Phase, Table};

    use super::*;
    use crate::output;
    use crate::output::Style;
    use crate::testing::{HOSTILE, job, view, visible};

    fn reply() -> Jobs {
        let good = job(7, Table::RecentVolunteersReportCache, Outcome::Rebuilt);
        let failed = Job {
            error: Some(HOSTILE.into()),
            ..job(6, Table::VirtualSessionDistrictCache, Outcome::Failed)
        };
        let running = Job {
            phase: Phase::Running,
            outcome: None,
            ..job(8, Table::DiaEventsReportCache, Outcome::Rebuilt)
        };
        Jobs { unknown: Vec::new(), jobs: vec![running, good, failed] }
    }

    #[test]
    fn jobs_fit_a_terminal() {
        let text = render(&reply(), JobFilter::All, &view());
        insta::assert_snapshot!(text, @r"
        JOB  RUN  TABLE                           OUTCOME  ENTRIES  QUEUED
          8   12  dia_events_report_cache         running       21  Sun 22 Nov 14:40 CST
          7   12  recent_volunteers_report_cache  rebuilt       21  Sun 22 Nov 14:40 CST
          6   12  virtual_session_district_cache  failed        21  Sun 22 Nov 14:40 CST
        The terminal is too narrow for TRIGGER, TOOK; `--json` has all.

        job 6, virtual_session_district_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn a_file_gets_every_column() {
        let text = render(&reply(), JobFilter::All, &View { width: None, ..view() });
        insta::assert_snapshot!(text, @r"
        JOB  RUN  TABLE                           OUTCOME  ENTRIES  TRIGGER    TOOK  QUEUED
          8   12  dia_events_report_cache         running       21  manual   0.41 s  Sun 22 Nov 14:40 CST
          7   12  recent_volunteers_report_cache  rebuilt       21  manual   0.41 s  Sun 22 Nov 14:40 CST
          6   12  virtual_session_district_cache  failed        21  manual   0.41 s  Sun 22 Nov 14:40 CST

        job 6, virtual_session_district_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn outcomes_are_coloured_on_a_terminal() {
        let view = View { style: Style { colour: true }, ..view() };
        insta::assert_snapshot!(visible(&render(&reply(), JobFilter::All, &view)), @r"
        <ESC>[1mJOB  <ESC>[0m<ESC>[1mRUN  <ESC>[0m<ESC>[1mTABLE                           <ESC>[0m<ESC>[1mOUTCOME  <ESC>[0m<ESC>[1mENTRIES  <ESC>[0m<ESC>[1mQUEUED              <ESC>[0m
          8   12  dia_events_report_cache         <ESC>[38;5;3mrunning  <ESC>[39m     21  Sun 22 Nov 14:40 CST
          7   12  recent_volunteers_report_cache  <ESC>[38;5;2mrebuilt  <ESC>[39m     21  Sun 22 Nov 14:40 CST
          6   12  virtual_session_district_cache  <ESC>[38;5;1mfailed   <ESC>[39m     21  Sun 22 Nov 14:40 CST
        The terminal is too narrow for TRIGGER, TOOK; `--json` has all.

        job 6, virtual_session_district_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn rows_with_unknown_words_are_named_below_with_their_words_as_one_line() {
        let row = UnknownRow {
            run: 13,
            job: Some(35),
            trigger: "manual".into(),
            table: Some(HOSTILE.into()),
            phase: "done".into(),
            outcome: None,
        };
        let run = UnknownRow { job: None, table: None, outcome: Some("molten".into()), ..row.clone() };
        let text = render(&Jobs { unknown: vec![row, run], ..Jobs::default() }, JobFilter::All, &view());
        insta::assert_snapshot!(text, @r"
        No jobs yet.

        2 entries with words that this version of cached does not know; kept, but not processed:
        job 35 of run 13: trigger manual, table all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end, phase done
        run 13: trigger manual, phase done, outcome molten
        ");
    }

    #[test]
    fn an_empty_list_of_jobs_names_the_filter() {
        let empty = Jobs::default();
        let printed = [JobFilter::All, JobFilter::Failed, JobFilter::Running]
            .map(|filter| render(&empty, filter, &view()));
        insta::assert_snapshot!(printed.concat(), @r"
        No jobs yet.
        No failed jobs.
        No job is queued or running.
        ");
    }

    #[test]
    fn json_keeps_its_keys() {
        let job = reply().jobs.swap_remove(0);
        insta::assert_snapshot!(output::json(&Jobs { unknown: Vec::new(), jobs: vec![job] }).unwrap(), @r#"
        {
          "jobs": [
            {
              "id": 8,
              "run": 12,
              "trigger": "manual",
              "type": "recruitment",
              "table": "dia_events_report_cache",
              "phase": "running",
              "outcome": null,
              "queued": "2026-11-22T20:40:00Z",
              "attempts": [],
              "entries": 21,
              "rebuilt": 20,
              "verified": 1,
              "skipped": 0,
              "pruned": 3,
              "failed": 0,
              "warnings": 0,
              "bytes": 12345,
              "seconds": 0.414,
              "error": null,
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
