//! `report`: how well refreshing has worked, against its targets.

mod figures;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use cached_proto::lock::WriteLock;
use cached_proto::message::{Reply, Request};
use cached_proto::text::one_line;
use cached_proto::verb::report::{ErrorGroup, ReportReply, ReportRequest, SizeTrend};

use crate::cli::ReportArgs;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::style::spoken;
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{self, View, bytes, json, table, time};

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &ReportArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = Request::Report(ReportRequest { since_seconds: args.since.as_secs() });
    let Reply::Report(reply) = context.call(&request).await? else {
        return Err(CtlError::WrongReply { verb: "report" });
    };
    output::print(&if args.format.json { json::render(&reply)? } else { render(&reply, &context.view) })?;
    Ok(Exit::Good)
}

fn render(reply: &ReportReply, view: &View) -> String {
    let mut text = format!(
        "From {} to {}: {} runs ({} without fault), {} tables worked on.\n\n",
        time::moment(reply.since, view),
        time::moment(reply.until, view),
        reply.runs,
        reply.runs_good,
        reply.jobs,
    );
    text.push_str(&figures::listing(reply, view));
    text.push_str(&write_lock(reply));
    text.push_str(&readiness(reply));
    if !reply.errors.is_empty() {
        let _ = write!(text, "\n{}", errors(&reply.errors, view));
    }
    if !reply.sizes.is_empty() {
        let _ = write!(text, "\n{}", sizes(&reply.sizes, view));
    }
    text
}

/// Describes the longest time that VMS's own writers may have had to wait.
fn write_lock(reply: &ReportReply) -> String {
    let WriteLock { count, seconds, longest } = reply.write_lock;
    if count == 0 {
        return "\nVMS's write lock was not held.\n".to_owned();
    }
    format!(
        "\nVMS's write lock was held {count} times, {} in all; longest write lock {longest:.3} s.\n",
        time::duration(seconds),
    )
}

/// Explains what the readiness share means, and what it does not.
fn readiness(reply: &ReportReply) -> String {
    let reads = &reply.reads;
    format!(
        "\nReadiness is the share of expected entries that VMS's readers would have accepted, weighted by time;\n\
         it is known for {} of the window ({} samples). VMS's own hits cannot be seen from outside.\n\
         Reads by `cachectl get` so far: {} fresh, {} stale, {} missed.\n",
        figures::percent(reply.readiness.covered),
        reply.readiness.samples,
        reads.hits,
        reads.stale,
        reads.misses,
    )
}

fn errors(groups: &[ErrorGroup], view: &View) -> String {
    let columns = [numbers("ERRORS"), words("TABLE"), words("OUTCOME"), words("LAST"), words("MESSAGE")];
    let rows = groups.iter().map(|group| {
        vec![
            cell(group.count.to_string()),
            cell(group.table.as_str()),
            toned((spoken(group.outcome.as_str()), group.outcome.into())),
            cell(time::moment(group.last, view)),
            cell(one_line(&group.message)),
        ]
    });
    table::render(view, &columns, rows.collect())
}

fn sizes(trends: &[SizeTrend], view: &View) -> String {
    let columns = [words("TABLE"), numbers("FIRST"), numbers("LAST"), numbers("CHANGE")];
    let rows = trends.iter().map(|trend| {
        vec![
            cell(trend.table.as_str()),
            cell(bytes(trend.first)),
            cell(bytes(trend.last)),
            cell(figures::change(trend.first, trend.last)),
        ]
    });
    table::render(view, &columns, rows.collect())
}
