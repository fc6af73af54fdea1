//! `refresh`: requests a run and, by default, waits until it has ended.

use std::time::Duration;

use cached_present::report::RunReport;
use cached_proto::client::Events;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::{Choice, Progress, RefreshReply, RefreshRequest};
use cached_proto::words::{Outcome, Phase, Table};
use clap::Args;
use serde::Serialize;

use super::run::{Numbered, listing, verdict};

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::progress::Display;
use crate::output::{self, View, note};
use crate::{values, when};

/// How to follow the requested run.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// Print the number of the run and do not wait for its end
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Wait no longer than this, for example 90s or 5min; the run continues
    #[arg(long, value_name = "DURATION", value_parser = when::wait)]
    pub(crate) timeout: Option<Duration>,
    /// Show no progress, only the result
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Arguments of `refresh`.
#[derive(Debug, Args)]
pub(crate) struct RefreshArgs {
    /// Cache types or single tables to refresh, or all
    #[arg(value_name = "TYPE", value_parser = values::choice(), ignore_case = true)]
    pub(crate) types: Vec<Choice>,
    /// A cache type to refresh; the same as naming it without the flag
    #[arg(long = "type", value_name = "TYPE", value_parser = values::choice(), ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub(crate) more_types: Vec<Choice>,
    /// A single table to refresh; may be repeated
    #[arg(long = "table", value_name = "TABLE", value_parser = values::table(), ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub(crate) tables: Vec<Table>,
    /// Also refresh entries that are young enough
    #[arg(long)]
    pub(crate) force: bool,
    /// Accept a source that lost suspiciously many rows
    #[arg(long)]
    pub(crate) accept: bool,
    /// What to do with the run.
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// Arguments of `refresh-all`.
#[derive(Debug, Args)]
pub(crate) struct RefreshAllArgs {
    /// Also refresh entries that are young enough
    #[arg(long)]
    pub(crate) force: bool,
    /// What to do with the run.
    #[command(flatten)]
    pub(crate) follow: FollowArgs,
}

/// Requests a run of the chosen tables and follows it.
pub(crate) async fn run(args: &RefreshArgs, context: &Context) -> Result<Exit, CtlError> {
    follow(request(args), &args.follow, context).await
}

/// Requests a run of everything and follows it.
pub(crate) async fn run_all(args: &RefreshAllArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = RefreshRequest { force: args.force, ..RefreshRequest::default() };
    follow(request, &args.follow, context).await
}

fn request(args: &RefreshArgs) -> RefreshRequest {
    let tables = args.tables.iter().copied().map(Choice::Table);
    let (types, tables) = Choice::request(args.types.iter().chain(&args.more_types).copied().chain(tables));
    RefreshRequest { types, tables, force: args.force, accept: args.accept, wait: false }
}

/// Requests a run and handles it as the flags say.
async fn follow(request: RefreshRequest, args: &FollowArgs, context: &Context) -> Result<Exit, CtlError> {
    let request = RefreshRequest { wait: !args.no_wait, ..request };
    if args.no_wait {
        let reply = context.call(request).await?;
        output::print(&queued(&reply, context.as_json)?)?;
        return Ok(Exit::Good);
    }
    let (reply, events) = context.follow(request).await?;
    if reply.joined && !args.quiet {
        note(&format!("an identical request is queued already; following run {}", reply.run));
    }
    let end = wait(reply.run, events, Display::new(args.quiet, context.moving));
    let run = match args.timeout {
        None => end.await?,
        Some(waited) => tokio::time::timeout(waited, end)
            .await
            .map_err(|_| CtlError::StillRunning { run: reply.run, waited })??,
    };
    context.print(&RunReport::from(&run), |view| render(&run, view))?;
    Ok(Exit::good_if(ended_well(&run)))
}

/// Shows the progress of a run until it has ended.
async fn wait(run: i64, mut events: Events<Progress>, mut display: Display) -> Result<Run, CtlError> {
    loop {
        match events.next().await {
            Ok(Some(Progress::RunDone(run))) => return Ok(run),
            Ok(Some(event)) => display.observe(&event),
            Ok(None) => return Err(CtlError::LostTrack { run, source: None }),
            Err(source) => return Err(CtlError::LostTrack { run, source: Some(source) }),
        }
    }
}

/// The JSON form of the answer, with the run number as text like everywhere in JSON that names a run to a
/// script.
#[derive(Serialize)]
struct Queued {
    run: String,
    joined: bool,
}

fn queued(reply: &RefreshReply, as_json: bool) -> Result<String, CtlError> {
    let run = reply.run.to_string();
    if as_json { output::json(&Queued { run, joined: reply.joined }) } else { Ok(format!("{run}\n")) }
}

/// Whether everything that was requested ended well; a run that was cancelled did not.
fn ended_well(run: &Run) -> bool {
    run.phase == Phase::Done
        && run.outcome.is_none_or(Outcome::is_good)
        && run.jobs.iter().all(|job| job.outcome.is_some_and(Outcome::is_good))
}

fn render(run: &Run, view: &View) -> String {
    verdict(run, view) + &listing(run, Numbered::No, view)
}

#[cfg(test)]
mod tests {
    use cached_proto::words::CacheType;
    use clap::Parser as _;

    use super::*;
    use crate::cmd::{Cli, Verb};
    use crate::testing::{HOSTILE, job, run, view};

    fn verb(arguments: &[&str]) -> Result<Verb, clap::Error> {
        Ok(Cli::try_parse_from([&["cachectl", "refresh"], arguments].concat())?.verb)
    }

    fn parsed(arguments: &[&str]) -> RefreshRequest {
        let Verb::Refresh(args) = verb(arguments).unwrap() else { panic!("another verb") };
        request(&args)
    }

    #[test]
    fn nothing_named_is_everything() {
        assert_eq!(parsed(&[]), RefreshRequest::default());
    }

    #[test]
    fn types_may_be_named_in_several_ways_and_count_once() {
        let wanted = RefreshRequest {
            types: vec![CacheType::District, CacheType::VirtualSession],
            tables: vec![Table::DiaEventsReportCache],
            force: true,
            ..RefreshRequest::default()
        };
        let table = ["--table", "dia_events_report_cache", "--force"];
        for types in [
            &["virtual-session", "district"][..],
            &["district", "--type", "virtual_session"],
            &["--type", "district", "--type", "virtual-session", "district"],
        ] {
            assert_eq!(parsed(&[types, &table].concat()), wanted, "{types:?}");
        }
    }

    #[test]
    fn a_table_may_be_named_like_a_type_and_all_is_everything() {
        let table = parsed(&["--table", "dia_events_report_cache"]);
        assert_eq!(table.tables, [Table::DiaEventsReportCache]);
        for same in ["dia_events_report_cache", "DIA-Events-Report-Cache"] {
            assert_eq!(parsed(&[same]), table, "{same}");
        }
        for everything in
            [&["all"][..], &["ALL", "district"], &["--type", "all", "--table", "dia_events_report_cache"]]
        {
            assert_eq!(parsed(everything), RefreshRequest::default(), "{everything:?}");
        }
        assert_eq!(parsed(&["Virtual-Session"]).types, [CacheType::VirtualSession]);
    }

    #[test]
    fn the_timeout_takes_a_unit_or_seconds_and_is_accepted_with_no_wait() {
        for (arguments, waited) in [
            (&["--timeout", "90s"][..], Some(90_000)),
            (&["--timeout", "90"], Some(90_000)),
            (&["--timeout", "1min 500ms"], Some(60_500)),
            (&["--no-wait", "--timeout", "1s"], Some(1000)),
            (&["--no-wait"], None),
        ] {
            let Verb::Refresh(args) = verb(arguments).unwrap() else { panic!("another verb") };
            assert_eq!(args.follow.timeout, waited.map(Duration::from_millis), "{arguments:?}");
        }
        assert!(["-1", "soon", ""].iter().all(|wrong| verb(&["--timeout", wrong]).is_err()));
    }

    #[test]
    fn no_wait_prints_only_the_run_number() {
        let reply = RefreshReply { run: 12, joined: false };
        assert_eq!(queued(&reply, false).unwrap(), "12\n");
        insta::assert_snapshot!(queued(&reply, true).unwrap(), @r#"
        {
          "run": "12",
          "joined": false
        }
        "#);
    }

    fn mixed() -> Run {
        let mut failed = job(2, Table::DiaEventsReportCache, Outcome::Failed);
        (failed.error, failed.figures.warnings) = (Some(HOSTILE.into()), 2);
        run(vec![
            job(1, Table::DistrictYearEndReports, Outcome::Rebuilt),
            job(3, Table::DistrictEngagementReports, Outcome::NotApplicable),
            failed,
        ])
    }

    #[test]
    fn a_run_is_printed_as_verdict_then_tables_then_errors() {
        insta::assert_snapshot!(render(&mixed(), &view()), @r"
        Run 12: failed, 3 tables in 4.56 s

        TABLE                        OUTCOME         ENTRIES  REBUILT  VERIFIED    TOOK
        district_year_end_reports    rebuilt              21       20         1  0.41 s
        district_engagement_reports  not applicable       21       20         1  0.41 s
        dia_events_report_cache      failed               21       20         1  0.41 s
        The terminal is too narrow for SKIPPED, PRUNED, FAILED, SIZE; `--json` has all.

        dia_events_report_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        dia_events_report_cache: 2 source rows skipped or read with default values
        ");
    }

    #[test]
    fn a_file_gets_every_column() {
        insta::assert_snapshot!(render(&mixed(), &View { width: None, ..view() }), @r"
        Run 12: failed, 3 tables in 4.56 s

        TABLE                        OUTCOME         ENTRIES  REBUILT  VERIFIED  SKIPPED  PRUNED  FAILED     SIZE    TOOK
        district_year_end_reports    rebuilt              21       20         1        0       3       0  12.3 kB  0.41 s
        district_engagement_reports  not applicable       21       20         1        0       3       0  12.3 kB  0.41 s
        dia_events_report_cache      failed               21       20         1        0       3       0  12.3 kB  0.41 s

        dia_events_report_cache: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        dia_events_report_cache: 2 source rows skipped or read with default values
        ");
    }

    #[test]
    fn a_run_without_tables_has_no_listing() {
        insta::assert_snapshot!(render(&run(Vec::new()), &view()), @"Run 12: done, 0 tables in 4.56 s");
    }

    #[test]
    fn a_run_ends_well_when_each_of_its_tables_does() {
        for &outcome in Outcome::ALL {
            let run = run(vec![job(1, Table::DiaEventsReportCache, outcome)]);
            assert_eq!(ended_well(&run), outcome.is_good(), "{outcome}");
        }
        assert!(ended_well(&run(Vec::new())));
        assert!(!ended_well(&Run { phase: Phase::Cancelled, ..run(Vec::new()) }));
    }
}
