//! `logs`: the daemon's log file, read through the daemon.

use cached_proto::client::Events;
use cached_proto::text::one_line;
use cached_proto::time::Timestamp;
use cached_proto::verb::logs::{LogEvent, LogLine, LogsRequest};
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::{self, note};
use crate::values;
use crate::when::{self, When};

/// Number of lines that are shown by default.
const NEWEST: u64 = 100;

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// Keep printing lines as they are written, until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only lines of this run
    #[arg(long, value_name = "ID", value_parser = values::run)]
    pub(crate) run: Option<i64>,
    /// Number of existing lines to show: the newest ones
    #[arg(short = 'n', long = "limit", visible_alias = "lines", value_name = "N")]
    #[arg(value_parser = values::whole(0..=100_000_u64))]
    pub(crate) limit: Option<u64>,
    /// Only lines written since then: how long ago (36h, 7d), or a day in the zone of the schedule (2026-11-01, yesterday)
    #[arg(long, value_name = "WHEN", value_parser = when::when)]
    pub(crate) since: Option<When>,
}

/// Sends the request, and prints lines as they arrive.
pub(crate) async fn run(args: &LogsArgs, context: &Context) -> Result<Exit, CtlError> {
    let since_seconds = match args.since {
        Some(since) => Some(context.seconds_since(since).await?),
        None => None,
    };
    let (_, lines) = context.follow(request(args, since_seconds)).await?;
    print(lines, context.as_json).await
}

fn request(args: &LogsArgs, since_seconds: Option<u64>) -> LogsRequest {
    let is_bounded = args.run.is_some() || since_seconds.is_some();
    LogsRequest {
        run: args.run,
        lines: args.limit.or((!is_bounded).then_some(NEWEST)),
        since_seconds,
        follow: args.follow,
    }
}

async fn print(mut lines: Events<LogEvent>, as_json: bool) -> Result<Exit, CtlError> {
    let mut exit = Exit::Good;
    while let Some(event) = lines.next().await? {
        match event {
            LogEvent::Lines(lines) => output::stream(&render(&lines, as_json)?)?,
            LogEvent::Unreadable(why) => {
                note(&format!("error: a log file cannot be read completely: {}", one_line(&why)));
                exit = Exit::Failed;
            }
            LogEvent::CaughtUp => {}
            LogEvent::End => break,
        }
    }
    Ok(exit)
}

/// A line in JSON, one object per line; for a line that is not the daemon's, only the message.
#[derive(Serialize)]
struct Shown<'a> {
    time: Option<Timestamp>,
    target: Option<&'a str>,
    level: Option<&'a str>,
    message: &'a str,
    run: Option<String>,
}

impl<'a> Shown<'a> {
    fn of(line: &'a LogLine) -> Self {
        let whole = Self { time: None, target: None, level: None, message: &line.text, run: None };
        let mut parts = line.text.splitn(4, " - ").skip(1);
        match (line.at, parts.next(), parts.next(), parts.next()) {
            (Some(at), Some(target), Some(level), Some(message)) => {
                let run = line.run.map(|run| run.to_string());
                // The run number has a key of its own.
                let target = match (&run, target.rsplit_once("::")) {
                    (Some(run), Some((target, last))) if last == run => target,
                    _ => target,
                };
                Self { time: Some(at), target: Some(target), level: Some(level), message, run }
            }
            _ => whole,
        }
    }
}

fn render(lines: &[LogLine], as_json: bool) -> Result<String, CtlError> {
    let mut text = String::new();
    for line in lines {
        let line = &LogLine { text: one_line(&line.text).into_owned(), ..*line };
        if as_json {
            text.push_str(&serde_json::to_string(&Shown::of(line)).map_err(CtlError::Json)?);
        } else {
            text.push_str(&line.text);
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cmd::{Cli, Verb};
    use crate::testing::{HOSTILE, at};

    fn parsed(arguments: &[&str]) -> LogsRequest {
        let cli = Cli::try_parse_from([&["cachectl", "logs"], arguments].concat()).unwrap();
        let Verb::Logs(args) = cli.verb else { panic!("another verb") };
        let since_seconds = args.since.map(|since| match since {
            When::Ago(ago) => ago.as_secs(),
            other => panic!("{other:?}"),
        });
        request(&args, since_seconds)
    }

    fn lines() -> Vec<LogLine> {
        let line = |at, run, text: &str| LogLine { at, run, text: text.to_owned() };
        vec![
            line(
                Some(at("2026-11-22T20:40:05.123Z")),
                Some(12),
                "2026-11-22 14:40:05,123 - cached::refresh::run::12 - INFO - a - b took 0.41 seconds",
            ),
            line(
                Some(at("2026-11-22T20:40:06Z")),
                None,
                "2026-11-22 14:40:06,000 - cached::command::run - WARNING - w",
            ),
            line(None, None, HOSTILE),
        ]
    }

    #[test]
    fn without_a_bound_the_newest_lines_are_shown() {
        let all = LogsRequest::default();
        for (arguments, wanted) in [
            (&[][..], LogsRequest { lines: Some(100), ..all.clone() }),
            (&["-f"], LogsRequest { lines: Some(100), follow: true, ..all.clone() }),
            (&["-n", "7"], LogsRequest { lines: Some(7), ..all.clone() }),
            (&["--limit", "7"], LogsRequest { lines: Some(7), ..all.clone() }),
            (&["--lines", "7"], LogsRequest { lines: Some(7), ..all.clone() }),
            (&["--run", "12"], LogsRequest { run: Some(12), ..all.clone() }),
            (&["--run", "run:12"], LogsRequest { run: Some(12), ..all.clone() }),
            (&["--since", "7d"], LogsRequest { since_seconds: Some(604_800), ..all.clone() }),
            (
                &["--run", "12", "--since", "1h", "-n", "1"],
                LogsRequest { run: Some(12), since_seconds: Some(3600), lines: Some(1), follow: false },
            ),
        ] {
            assert_eq!(parsed(arguments), wanted, "{arguments:?}");
        }
    }

    #[test]
    fn each_log_line_is_printed_as_one_line_whatever_it_contains() {
        insta::assert_snapshot!(render(&lines(), false).unwrap(), @r"
        2026-11-22 14:40:05,123 - cached::refresh::run::12 - INFO - a - b took 0.41 seconds
        2026-11-22 14:40:06,000 - cached::command::run - WARNING - w
        all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn json_is_an_object_per_line_and_keeps_its_keys() {
        insta::assert_snapshot!(render(&lines(), true).unwrap(), @r#"
        {"time":"2026-11-22T20:40:05.123Z","target":"cached::refresh::run","level":"INFO","message":"a - b took 0.41 seconds","run":"12"}
        {"time":"2026-11-22T20:40:06Z","target":"cached::command::run","level":"WARNING","message":"w","run":null}
        {"time":null,"target":null,"level":null,"message":"all fresh\\n\\u{1b}[2Jok \\u{202e}txt\\u{2028}end","run":null}
        "#);
    }
}
