//! `status`: the state and age of the cache tables, and what comes next.

use std::fmt::Write as _;
use std::time::Duration;

use cached_present::{Tone, bytes, count, duration, extent, lacks, spoken, standing};
use cached_proto::hello::FULL_STATUS;
use cached_proto::text::one_line;
use cached_proto::verb::history::Run;
use cached_proto::verb::status::{
    Computed, FullStatus, FullStatusRequest, StatusReply, StatusRequest, TableStatus,
};
use cached_proto::words::{Phase, SchedulerState, Table};
use clap::Args;
use comfy_table::Cell;

use crate::context::{ANSWER, Context};
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{self, View, table};

/// Time limit for measuring sizes, which reads every row of every cache table.
const SIZES: Duration = Duration::from_mins(10);

/// Time between two requests of a watch.
const PAUSE: Duration = Duration::from_secs(2);

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Also measure the bytes of each table, which reads every row
    #[arg(long)]
    pub(crate) sizes: bool,
    /// Show it again whenever something changes, until interrupted; on a terminal, redraw it every few seconds
    // Measuring reads every row, which is nothing to do every few seconds.
    #[arg(short, long, conflicts_with = "sizes")]
    pub(crate) watch: bool,
}

/// Sends the request and prints the answer, again and again if wanted.
pub(crate) async fn run(args: &StatusArgs, context: &Context) -> Result<Exit, CtlError> {
    let mut full = fetch(args.sizes, context).await?;
    if !args.watch {
        context.print(&full, |view| render(&full.status, &full.computed, view))?;
        return Ok(Exit::Good);
    }
    let mut shown = None;
    loop {
        let view = context.view_now();
        if let Some(before) = before(shown.as_ref(), &full, &view) {
            let text = render(&full.status, &full.computed, &view);
            let text = if context.as_json { output::json(&full)? } else { text };
            // A reader that is gone ends the watch.
            output::stream(&format!("{before}{text}"))?;
        }
        shown = Some(full);
        tokio::time::sleep(PAUSE).await;
        full = fetch(args.sizes, context).await?;
    }
}

/// What is printed before a status that is watched; `None` if it is not printed. A terminal is cleared, and redrawn even
/// if only the ages change; elsewhere a block follows the one before.
fn before(shown: Option<&FullStatus>, full: &FullStatus, view: &View) -> Option<&'static str> {
    match (view.width, shown) {
        (Some(_), _) => Some("\u{1b}[H\u{1b}[2J"),
        (None, None) => Some(""),
        (None, Some(shown)) => (shown != full).then_some("\n"),
    }
}

async fn fetch(sizes: bool, context: &Context) -> Result<FullStatus, CtlError> {
    let mut client = context.connect(if sizes { SIZES } else { ANSWER }).await?;
    if client.protocol() < FULL_STATUS {
        let status = client.call(StatusRequest { sizes }).await?;
        return Ok(FullStatus { status, computed: Vec::new() });
    }
    Ok(*client.call(FullStatusRequest { sizes }).await?)
}

fn render(reply: &StatusReply, computed: &[Computed], view: &View) -> String {
    let view = view.in_zone(&reply.timezone);
    let mut text = format!("{}\n\n", verdict(reply, &view));
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
    if let Some(extent) = extent(computed) {
        let _ = writeln!(text, "Computed   {extent}");
    }
    if !reply.tables.is_empty() {
        let _ = write!(text, "\n{}", listing(reply, &view));
    }
    let problems = problems(reply, &view);
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
        (SchedulerState::Running, None) => "running, but no further runs are scheduled".to_owned(),
        (SchedulerState::Running, Some(next)) => {
            format!("running, next refresh {} ({})", view.moment(next), view.distance(next))
        }
    }
}

fn current(run: &Run, view: &View) -> String {
    let done = run.jobs.iter().filter(|job| !matches!(job.phase, Phase::Queued | Phase::Running)).count();
    let trigger = spoken(run.trigger.as_str());
    let mut text = format!("run {} ({trigger}), {done} of {} done", run.id, count(run.jobs.len(), "table"));
    if let Some(started) = run.started {
        let _ = write!(text, " in {}", view.age(started));
    }
    if let Some(job) = run.jobs.iter().find(|job| job.phase == Phase::Running) {
        let _ = write!(text, ", now {}", job.table);
    }
    text
}

fn last(run: &Run, view: &View) -> String {
    let (word, tone) = standing(run.phase, run.outcome);
    let mut text = format!("run {} ({}) ", run.id, spoken(run.trigger.as_str()));
    let _ = write!(text, "{} in {}", view.style.paint(tone, &word), duration(run.seconds));
    if let Some(ended) = run.ended {
        let _ = write!(text, ", {} ({})", view.moment(ended), view.distance(ended));
    }
    text
}

/// Returns `All 2 tables are fresh; next refresh Mon 23 Nov 02:00 CST`, or what is wrong.
fn verdict(reply: &StatusReply, view: &View) -> String {
    let verdict = cached_present::verdict(reply, |next| view.moment(next));
    format!("{}; {}", view.style.paint(verdict.tone, &verdict.sentence), verdict.next)
}

/// Renders one row per table. Problems are counted in the text below the listing, so that it fits 80 columns.
fn listing(reply: &StatusReply, view: &View) -> String {
    let sizes = reply.tables.iter().any(|table| table.bytes.is_some());
    let mut columns = vec![
        words("TYPE").secondary(),
        words("TABLE"),
        words("STATE"),
        numbers("FRESH"),
        numbers("OLDEST"),
        numbers("NEWEST").secondary(),
        numbers("UNMANAGED").secondary(),
    ];
    if sizes {
        columns.push(numbers("SIZE"));
    }
    let rows = reply.tables.iter().map(|table| row(table, sizes, view)).collect();
    table::render(view, &columns, rows)
}

fn row(table: &TableStatus, sizes: bool, view: &View) -> Vec<Cell> {
    let age = |at: Option<_>| cell(at.map_or("-".to_owned(), |at| view.age(at)));
    let mut row = vec![
        cell(table.cache_type.as_str()),
        cell(table.table.as_str()),
        toned((spoken(table.state.as_str()), table.state.into())),
        cell(if table.expected == 0 {
            "-".to_owned()
        } else {
            format!("{}/{}", table.fresh, table.expected)
        }),
        age(table.oldest),
        age(table.newest),
        cell(table.unmanaged.to_string()),
    ];
    if sizes {
        row.push(cell(table.bytes.map_or("-".to_owned(), bytes)));
    }
    row
}

/// Renders every problem and every reason why tables are not judged once, with the tables that it concerns.
fn problems(reply: &StatusReply, view: &View) -> String {
    let mut problems: Vec<(String, Vec<Table>)> = Vec::new();
    for (table, problem) in
        reply.tables.iter().flat_map(|table| of_table(table).map(|text| (table.table, text)))
    {
        match problems.iter_mut().find(|(known, _)| *known == problem) {
            Some((_, tables)) => tables.push(table),
            None => problems.push((problem, vec![table])),
        }
    }
    let mut text = String::new();
    for (problem, tables) in problems {
        match tables.as_slice() {
            [table] => {
                let _ = writeln!(text, "{table}: {problem}");
            }
            tables => {
                let _ = writeln!(text, "{}: {problem}", count(tables.len(), "table"));
                text.push_str(&output::indented(tables.iter().map(|table| table.as_str()), view));
            }
        }
    }
    text
}

/// What is wrong with a table, and why it is not judged.
fn of_table(table: &TableStatus) -> impl Iterator<Item = String> {
    // The reason why a table is held back is also its last error.
    let error = table.last_error.as_ref().filter(|error| table.note.as_ref() != Some(error));
    let note = table.note.as_deref().map(|note| one_line(note).into_owned());
    let error = error.map(|error| format!("last error: {}", one_line(error)));
    [lacks(table), note, error].into_iter().flatten()
}

#[cfg(test)]
mod tests;
