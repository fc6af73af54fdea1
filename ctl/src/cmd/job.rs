//! `job`: one job with its attempts.

use std::fmt::Write as _;

use cached_present::{bytes, count, duration, spoken, standing};
use cached_proto::text::one_line;
use cached_proto::verb::job::{JobReply, JobRequest};
use cached_proto::verb::jobs::{Attempt, Job, JobFigures};
use clap::Args;
use comfy_table::Cell;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};
use crate::values;

/// Arguments of `job`.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// Number of the job
    #[arg(value_name = "ID", value_parser = values::job)]
    pub(crate) job: i64,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &JobArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(JobRequest { job: args.job }).await?;
    context.print_zoned(&reply, |view| render(&reply, view)).await?;
    Ok(Exit::Good)
}

fn render(reply: &JobReply, view: &View) -> String {
    let job = &reply.job;
    let (word, tone) = standing(job.phase, job.outcome);
    let mut text = format!(
        "Job {}: {}, {} in run {} ({}), requested {}\n",
        job.id,
        job.table,
        view.style.paint(tone, &word),
        job.run,
        spoken(job.trigger.as_str()),
        view.moment(job.queued)
    );
    if let Some(until) = reply.not_before {
        let _ = writeln!(text, "Its next attempt begins {}.", view.distance(until));
    }
    if job.outcome.is_some() {
        let _ = writeln!(text, "{}", figures(job));
    }
    if job.attempts.is_empty() {
        text.push_str("No attempts yet.\n");
        return text;
    }
    let columns = [numbers("TRY"), words("OUTCOME"), numbers("TOOK"), words("STARTED"), words("SNAPSHOT")];
    let rows = job.attempts.iter().map(|attempt| row(attempt, view)).collect();
    let _ = write!(text, "\n{}", table::render(view, &columns, rows));
    let mut gap = "\n";
    for attempt in &job.attempts {
        if let Some(error) = &attempt.error {
            let _ = writeln!(text, "{gap}try {}: {}", attempt.number, one_line(error));
            gap = "";
        }
    }
    // The job may have ended without a further attempt, so that no attempt holds its error.
    let shown = job.attempts.last().and_then(|attempt| attempt.error.as_ref());
    if let Some(error) = job.error.as_ref().filter(|error| shown != Some(error)) {
        let _ = writeln!(text, "{gap}{}", one_line(error));
    }
    text
}

fn figures(job: &Job) -> String {
    let JobFigures { entries, rebuilt, verified, skipped, pruned, failed, bytes: size, .. } = job.figures;
    format!(
        "{}: {rebuilt} rebuilt, {verified} verified, {skipped} skipped, {pruned} pruned, \
         {failed} failed; {}",
        count(entries, "entry"),
        bytes(size)
    )
}

fn row(attempt: &Attempt, view: &View) -> Vec<Cell> {
    vec![
        cell(attempt.number.to_string()),
        toned(standing(attempt.phase(), attempt.outcome)),
        cell(if attempt.ended.is_some() { duration(attempt.seconds) } else { "-".to_owned() }),
        cell(view.moment(attempt.started)),
        cell(attempt.snapshot.map_or_else(|| "-".to_owned(), |at| view.moment(at))),
    ]
}

#[cfg(test)]
mod tests {
    use cached_proto::words::{Outcome, Phase, Table};

    use super::*;
    use crate::testing::{HOSTILE, at, job, view};

    fn attempt(number: u32, outcome: Option<Outcome>, error: Option<&str>) -> Attempt {
        Attempt {
            number,
            started: at("2026-11-22T20:40:01Z"),
            ended: Some(at("2026-11-22T20:40:02Z")),
            snapshot: Some(at("2026-11-22T20:40:01Z")),
            seconds: 0.75,
            outcome,
            error: error.map(Into::into),
        }
    }

    #[test]
    fn every_attempt_is_listed_with_its_outcome_and_error() {
        let attempts = vec![
            attempt(1, Some(Outcome::Failed), Some(HOSTILE)),
            attempt(2, None, Some("cancelled")),
            Attempt { ended: None, snapshot: None, ..attempt(3, None, None) },
        ];
        let running = Job {
            attempts,
            phase: Phase::Running,
            outcome: None,
            ..job(7, Table::DiaEventsReportCache, Outcome::Failed)
        };
        insta::assert_snapshot!(render(&JobReply { job: running, not_before: None }, &view()), @r"
        Job 7: dia_events_report_cache, running in run 12 (manual), requested Sun 22 Nov 14:40 CST

        TRY  OUTCOME      TOOK  STARTED               SNAPSHOT
          1  failed     0.75 s  Sun 22 Nov 14:40 CST  Sun 22 Nov 14:40 CST
          2  cancelled  0.75 s  Sun 22 Nov 14:40 CST  Sun 22 Nov 14:40 CST
          3  running         -  Sun 22 Nov 14:40 CST  -

        try 1: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        try 2: cancelled
        ");
    }

    #[test]
    fn a_waiting_job_names_the_time_of_its_next_attempt() {
        let waiting = Job {
            attempts: vec![attempt(1, Some(Outcome::Failed), Some("locked"))],
            phase: Phase::Queued,
            outcome: None,
            error: Some("locked".into()),
            ..job(7, Table::DiaEventsReportCache, Outcome::Failed)
        };
        let reply = JobReply { job: waiting, not_before: Some(at("2026-11-22T20:45:30Z")) };
        insta::assert_snapshot!(render(&reply, &view()), @r"
        Job 7: dia_events_report_cache, queued in run 12 (manual), requested Sun 22 Nov 14:40 CST
        Its next attempt begins in 1 min 30 s.

        TRY  OUTCOME    TOOK  STARTED               SNAPSHOT
          1  failed   0.75 s  Sun 22 Nov 14:40 CST  Sun 22 Nov 14:40 CST

        try 1: locked
        ");
    }

    #[test]
    fn a_job_that_was_set_aside_shows_its_error_without_a_further_attempt() {
        let aside = Job {
            attempts: vec![attempt(1, Some(Outcome::Failed), Some("interrupted"))],
            error: Some("set aside".into()),
            ..job(7, Table::DiaEventsReportCache, Outcome::Failed)
        };
        insta::assert_snapshot!(render(&JobReply { job: aside, not_before: None }, &view()), @r"
        Job 7: dia_events_report_cache, failed in run 12 (manual), requested Sun 22 Nov 14:40 CST
        21 entries: 20 rebuilt, 1 verified, 0 skipped, 3 pruned, 0 failed; 12.3 kB

        TRY  OUTCOME    TOOK  STARTED               SNAPSHOT
          1  failed   0.75 s  Sun 22 Nov 14:40 CST  Sun 22 Nov 14:40 CST

        try 1: interrupted
        set aside
        ");
    }

    #[test]
    fn a_job_without_attempts_says_that_there_are_none() {
        let queued = Job {
            phase: Phase::Queued,
            outcome: None,
            ..job(7, Table::DiaEventsReportCache, Outcome::Failed)
        };
        insta::assert_snapshot!(render(&JobReply { job: queued, not_before: None }, &view()), @r"
        Job 7: dia_events_report_cache, queued in run 12 (manual), requested Sun 22 Nov 14:40 CST
        No attempts yet.
        ");
    }
}
