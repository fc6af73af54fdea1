//! `status`: the state and age of the cache tables, and what comes next.

mod listing;
mod verdict;

use std::fmt::Write as _;
use std::time::Duration;

use cached_proto::message::{Reply, Request};
use cached_proto::verb::history::Run;
use cached_proto::verb::status::{StatusReply, StatusRequest};
use cached_proto::words::{Phase, SchedulerState};

use crate::cli::StatusArgs;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::style::{Tone, spoken, standing};
use crate::output::{self, View, count, json, time};

/// Time limit for measuring sizes, which reads every row of every cache table.
const SIZES: Duration = Duration::from_mins(10);

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &StatusArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = Request::Status(StatusRequest { sizes: args.sizes });
    let answer =
        if args.sizes { context.call_within(SIZES, &request).await } else { context.call(&request).await };
    let Reply::Status(reply) = answer? else {
        return Err(CtlError::WrongReply { verb: "status" });
    };
    output::print(&if args.format.json { json::render(&reply)? } else { render(&reply, &context.view) })?;
    Ok(Exit::Good)
}

fn render(reply: &StatusReply, view: &View) -> String {
    let view = view.in_zone(&reply.timezone);
    let mut text = format!("{}\n\n", verdict::verdict(reply, &view));
    let _ = writeln!(text, "Scheduler  {}", scheduler(reply, &view));
    if let Some(run) = &reply.current_run {
        let _ = writeln!(text, "Current    {}", current(run, &view));
    }
    if reply.queued_runs > 0 {
        let _ = writeln!(text, "Waiting    {} more in the queue", reply.queued_runs);
    }
    let _ = writeln!(
        text,
        "Last       {}",
        reply.last_run.as_ref().map_or("no run yet".to_owned(), |run| last(run, &view))
    );
    if !reply.tables.is_empty() {
        let _ = write!(text, "\n{}", listing::listing(reply, &view));
    }
    let problems = listing::problems(reply);
    if !problems.is_empty() {
        let _ = write!(text, "\n{problems}");
    }
    text
}

fn scheduler(reply: &StatusReply, view: &View) -> String {
    match (reply.scheduler, reply.next_run) {
        (SchedulerState::Stopped, _) => {
            let word = view.style.paint(Tone::Warning, "stopped");
            format!("{word}; `cachectl start-scheduler` starts it")
        }
        (SchedulerState::Running, None) => "running, and the schedule never fires again".to_owned(),
        (SchedulerState::Running, Some(next)) => {
            format!("running, next refresh {} ({})", time::moment(next, view), time::distance(next, view))
        }
    }
}

fn current(run: &Run, view: &View) -> String {
    let done = run.jobs.iter().filter(|job| !matches!(job.phase, Phase::Queued | Phase::Running)).count();
    let trigger = spoken(run.trigger.as_str());
    let mut text = format!("run {} ({trigger}), {done} of {} done", run.id, count(run.jobs.len(), "table"));
    if let Some(started) = run.started {
        let _ = write!(text, " in {}", time::age(started, view));
    }
    if let Some(job) = run.jobs.iter().find(|job| job.phase == Phase::Running) {
        let _ = write!(text, ", now {}", job.table);
    }
    text
}

fn last(run: &Run, view: &View) -> String {
    let (word, tone) = standing(run.phase, run.outcome);
    let mut text = format!("run {} ({}) ", run.id, spoken(run.trigger.as_str()));
    let _ = write!(text, "{} in {}", view.style.paint(tone, &word), time::duration(run.seconds));
    if let Some(ended) = run.ended {
        let _ = write!(text, ", {} ({})", time::moment(ended, view), time::distance(ended, view));
    }
    text
}

#[cfg(test)]
mod tests;
