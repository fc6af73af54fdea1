//! `refresh`: requests a run and, by default, waits until it has ended.

mod result;

use cached_proto::client::Events;
use cached_proto::message::{Reply, Request};
use cached_proto::report::RunReport;
use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::{Progress, RefreshReply, RefreshRequest};
use serde::Serialize;

use crate::cli::{FollowArgs, RefreshArgs};
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::progress::Display;
use crate::output::{self, json, note};

/// Requests a run of the chosen tables and follows it.
pub(crate) async fn run(args: &RefreshArgs, context: &Context) -> Result<Exit, CtlError> {
    follow(request(args), &args.follow, context).await
}

fn request(args: &RefreshArgs) -> RefreshRequest {
    RefreshRequest {
        types: each_once(args.types.iter().chain(&args.more_types)),
        tables: each_once(&args.tables),
        force: args.force,
        accept: args.accept,
        wait: false,
    }
}

/// Removes duplicates and sorts by the order of the vocabulary, so that equivalent requests join the same
/// run.
fn each_once<'a, T: Ord + Copy + 'a>(chosen: impl IntoIterator<Item = &'a T>) -> Vec<T> {
    chosen.into_iter().copied().collect::<std::collections::BTreeSet<T>>().into_iter().collect()
}

/// Requests a run and handles it as the flags say.
pub(crate) async fn follow(
    request: RefreshRequest,
    args: &FollowArgs,
    context: &Context,
) -> Result<Exit, CtlError> {
    let request = Request::Refresh(RefreshRequest { wait: !args.no_wait, ..request });
    if args.no_wait {
        let reply = accepted(context.call(&request).await?)?;
        output::print(&queued(&reply, args.format.json)?)?;
        return Ok(Exit::Good);
    }
    let (reply, events) = context.follow(&request).await?;
    let reply = accepted(reply)?;
    if reply.joined {
        note(&format!("the same was asked for already, so this joins run {}", reply.run));
    }
    let end = wait(reply.run, events, context.moving);
    let run = match args.timeout {
        None => end.await?,
        Some(waited) => tokio::time::timeout(waited, end)
            .await
            .map_err(|_| CtlError::StillRunning { run: reply.run, waited })??,
    };
    output::print(&if args.format.json {
        json::render(&RunReport::from(&run))?
    } else {
        result::render(&run, &context.view)
    })?;
    Ok(Exit::good_if(result::ended_well(&run)))
}

fn accepted(reply: Reply) -> Result<RefreshReply, CtlError> {
    match reply {
        Reply::Refresh(reply) => Ok(reply),
        _ => Err(CtlError::WrongReply { verb: "refresh" }),
    }
}

/// Shows the progress of a run until it has ended.
async fn wait(run: i64, mut events: Events, moving: bool) -> Result<Run, CtlError> {
    let mut display = Display::new(moving);
    loop {
        match events.next().await {
            Ok(Some(Progress::RunDone(run))) => return Ok(run),
            Ok(Some(event)) => display.observe(&event),
            Ok(None) => return Err(CtlError::LostSight { run, source: None }),
            Err(source) => return Err(CtlError::LostSight { run, source: Some(source) }),
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
    if as_json { json::render(&Queued { run, joined: reply.joined }) } else { Ok(format!("{run}\n")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cached_proto::words::{CacheType, Table};
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Verb};

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
    fn json_is_heard_before_and_behind_the_verb() {
        for arguments in [["cachectl", "--json", "refresh"], ["cachectl", "refresh", "--json"]] {
            let Verb::Refresh(args) = Cli::try_parse_from(arguments).unwrap().verb else {
                panic!("another verb")
            };
            assert!(args.follow.format.json, "{arguments:?}");
        }
    }

    #[test]
    fn how_long_to_wait_has_a_unit_or_is_seconds_and_may_be_said_in_vain() {
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
    fn a_run_that_is_not_waited_for_is_a_number() {
        let reply = RefreshReply { run: 12, joined: false };
        assert_eq!(queued(&reply, false).unwrap(), "12\n");
        insta::assert_snapshot!(queued(&reply, true).unwrap(), @r#"
        {
          "run": "12",
          "joined": false
        }
        "#);
    }
}
