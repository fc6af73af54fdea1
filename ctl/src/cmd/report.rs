//! `report`: how well refreshing has worked, against its targets.

use std::fmt::Write as _;

use cached_present::{Figure, Tone, bytes, count, duration, figures, percent, spoken};
use cached_proto::lock::WriteLock;
use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::report::{ErrorGroup, ReportReply, ReportRequest, SizeTrend};
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, numbers, toned, words};
use crate::output::{View, table};
use crate::when::{self, When};

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// From when on: how long ago (36h, 30d), or a day in the zone of the schedule (2026-11-01, yesterday)
    #[arg(long, value_name = "WHEN", default_value = "7d", value_parser = when::when)]
    pub(crate) since: When,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &ReportArgs, context: &Context) -> Result<Exit, CtlError> {
    let since_seconds = context.seconds_since(args.since).await?;
    let reply = context.call(ReportRequest { since_seconds }).await?;
    context.print_zoned(&reply, |view| render(&reply, view)).await?;
    Ok(Exit::Good)
}

fn render(reply: &ReportReply, view: &View) -> String {
    let mut text = format!(
        "From {} to {}: {} ({} without a failure), {} processed.\n\n",
        view.moment(whole_second(reply.since)),
        view.moment(reply.until),
        count(reply.runs, "run"),
        reply.runs_good,
        count(reply.jobs, "table"),
    );
    text.push_str(&listing(reply, view));
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

/// The next whole second: a window that begins with a day is requested in whole seconds, and begins just before it.
fn whole_second(at: Timestamp) -> Timestamp {
    const SECOND: i64 = 1_000_000;
    let micros = at.as_micros();
    Timestamp::from_micros(micros.saturating_add((SECOND - micros.rem_euclid(SECOND)) % SECOND))
}

/// Describes the longest time that VMS's own writers may have had to wait.
fn write_lock(reply: &ReportReply) -> String {
    let WriteLock { count: holds, seconds, longest } = reply.write_lock;
    if holds == 0 {
        return "\nVMS's write lock was not held.\n".to_owned();
    }
    format!(
        "\nVMS's write lock was held {}, {} in all; longest write lock {longest:.3} s.\n",
        count(holds, "time"),
        duration(seconds),
    )
}

/// Explains what the readiness share means, and what it does not.
fn readiness(reply: &ReportReply) -> String {
    let reads = &reply.reads;
    format!(
        "\nReadiness is the share of expected entries that VMS's readers would have accepted, weighted by time;\n\
         it is known for {} of the window ({}). VMS's own hits cannot be observed from outside.\n\
         Reads by `cachectl get` so far: {} fresh, {} stale, {} missed.\n",
        percent(reply.readiness.covered),
        count(reply.readiness.samples, "sample"),
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
            cell(view.moment(group.last)),
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
            cell(change(trend.first, trend.last)),
        ]
    });
    table::render(view, &columns, rows.collect())
}

const NO_DATA: &str = "no data";

fn listing(reply: &ReportReply, view: &View) -> String {
    let rows = figures(reply).into_iter().map(|Figure { name, value, target }| {
        let (value, verdict) = match value {
            Some((value, true)) => (value, ("met", Tone::Good)),
            Some((value, false)) => (value, ("missed", Tone::Bad)),
            None => (NO_DATA.to_owned(), ("-", Tone::Plain)),
        };
        vec![cell(name), cell(value), cell(target), toned(verdict)]
    });
    let columns = [words("FIGURE"), numbers("VALUE"), words("TARGET"), words("VERDICT")];
    table::render(view, &columns, rows.collect())
}

/// The growth from one size to another.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn change(first: u64, last: u64) -> String {
    if first == 0 {
        return "-".to_owned();
    }
    format!("{:+.1} %", (last as f64 - first as f64) / first as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use cached_proto::lock::WriteLock;
    use cached_proto::verb::report::{Readiness, Reads, RefreshTimes, Targets};
    use cached_proto::words::{Outcome, Table};

    use super::*;
    use crate::output;
    use crate::testing::{HOSTILE, at, view};

    fn week() -> ReportReply {
        let size =
            |table: Table, first, last| SizeTrend { cache_type: table.cache_type(), table, first, last };
        ReportReply {
            since: at("2026-11-15T20:44:00Z"),
            until: at("2026-11-22T20:44:00Z"),
            runs: 9,
            runs_good: 8,
            jobs: 90,
            jobs_good: 89,
            success_rate: Some(89.0 / 90.0),
            error_rate: Some(2.0 / 29.0),
            refresh: Some(RefreshTimes { average: 12.0, p50: 4.5, p95: 301.0, longest: 400.0 }),
            errors: vec![ErrorGroup {
                table: Table::DiaEventsReportCache,
                outcome: Outcome::Failed,
                count: 3,
                last: at("2026-11-20T08:00:00Z"),
                message: HOSTILE.to_owned(),
            }],
            sizes: vec![
                size(Table::DistrictYearEndReports, 1_000_000, 1_250_000),
                size(Table::OrganizationDetailCache, 4_000, 3_000),
            ],
            readiness: Readiness { share: Some(0.9999), covered: 0.5, samples: 500 },
            reads: Reads { hits: 3, stale: 1, misses: 2 },
            targets: Targets { success_rate: 0.95, error_rate: 0.05, refresh_seconds: 300.0, readiness: 0.9 },
            write_lock: WriteLock { count: 1234, seconds: 3.7, longest: 0.0123 },
        }
    }

    fn nothing() -> ReportReply {
        ReportReply {
            runs: 0,
            runs_good: 0,
            jobs: 0,
            jobs_good: 0,
            success_rate: None,
            error_rate: None,
            refresh: None,
            errors: Vec::new(),
            sizes: Vec::new(),
            readiness: Readiness { share: None, covered: 0.0, samples: 0 },
            reads: Reads::default(),
            write_lock: WriteLock::default(),
            ..week()
        }
    }

    #[test]
    fn each_figure_is_listed_beside_its_target() {
        insta::assert_snapshot!(render(&week(), &View { width: None, ..view() }), @r"
            From Sun 15 Nov 14:44 CST to Sun 22 Nov 14:44 CST: 9 runs (8 without a failure), 90 tables processed.

            FIGURE                VALUE  TARGET           VERDICT
            Success rate         98.8 %  at least 95.0 %  met
            Error rate            6.9 %  at most 5.0 %    missed
            Refresh, average       12 s  at most 5 min    met
            Refresh, median      4.50 s  at most 5 min    met
            Refresh, 95 %     5 min 1 s  at most 5 min    missed
            Readiness            99.9 %  at least 90.0 %  met

            VMS's write lock was held 1234 times, 3.70 s in all; longest write lock 0.012 s.

            Readiness is the share of expected entries that VMS's readers would have accepted, weighted by time;
            it is known for 50.0 % of the window (500 samples). VMS's own hits cannot be observed from outside.
            Reads by `cachectl get` so far: 3 fresh, 1 stale, 2 missed.

            ERRORS  TABLE                    OUTCOME  LAST                  MESSAGE
                 3  dia_events_report_cache  failed   Fri 20 Nov 02:00 CST  all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end

            TABLE                       FIRST    LAST   CHANGE
            district_year_end_reports  1.0 MB  1.2 MB  +25.0 %
            organization_detail_cache  4.0 kB  3.0 kB  -25.0 %
            ");
    }

    #[test]
    fn without_data_there_is_no_verdict() {
        insta::assert_snapshot!(render(&nothing(), &view()), @r"
            From Sun 15 Nov 14:44 CST to Sun 22 Nov 14:44 CST: 0 runs (0 without a failure), 0 tables processed.

            FIGURE              VALUE  TARGET           VERDICT
            Success rate      no data  at least 95.0 %  -
            Error rate        no data  at most 5.0 %    -
            Refresh, average  no data  at most 5 min    -
            Refresh, median   no data  at most 5 min    -
            Refresh, 95 %     no data  at most 5 min    -
            Readiness         no data  at least 90.0 %  -

            VMS's write lock was not held.

            Readiness is the share of expected entries that VMS's readers would have accepted, weighted by time;
            it is known for 0.0 % of the window (0 samples). VMS's own hits cannot be observed from outside.
            Reads by `cachectl get` so far: 0 fresh, 0 stale, 0 missed.
            ");
    }

    #[test]
    fn a_window_that_was_rounded_up_to_whole_seconds_begins_with_its_day() {
        let since = at("2026-11-15T05:59:59.4Z");
        let shown = render(&ReportReply { since, ..nothing() }, &view());
        assert!(shown.starts_with("From Sun 15 Nov 00:00 CST to "), "{shown}");
    }

    #[test]
    fn a_share_just_below_all_is_not_shown_as_100_percent() {
        for (share, shown) in
            [(1.0, "100.0 %"), (0.9999, "99.9 %"), (0.95, "95.0 %"), (0.29, "29.0 %"), (0.0, "0.0 %")]
        {
            assert_eq!(percent(share), shown);
        }
    }

    #[test]
    fn an_error_rate_of_zero_is_shown_without_a_minus_sign() {
        let shown = render(&ReportReply { error_rate: Some(0.0), ..nothing() }, &view());
        assert!(shown.contains("Error rate          0.0 %"), "{shown}");
    }

    #[test]
    fn json_has_null_where_there_is_no_data() {
        let json = output::json(&nothing()).unwrap();
        for key in ["success_rate", "error_rate", "refresh", "share"] {
            assert!(json.contains(&format!("\"{key}\": null")), "{json}");
        }
    }
}
