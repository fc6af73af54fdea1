//! `next`: the next scheduled runs.

use std::fmt::Write as _;

use cached_proto::text::one_line;
use cached_proto::verb::next::{Fire, NextReply, NextRequest};
use cached_proto::words::SchedulerState;
use clap::Args;
use comfy_table::Cell;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, words};
use crate::output::{View, table};
use crate::values;

/// Arguments of `next`.
#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    /// Number of scheduled runs to show
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 1)]
    #[arg(value_parser = values::whole(1..=1000_u32))]
    pub(crate) count: u32,
    /// Explain each scheduled run: the schedule, its slot, and the clock change if there is one
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &NextArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(NextRequest { count: args.count }).await?;
    context.print(&reply, |view| render(&reply, args.explain, view))?;
    Ok(Exit::Good)
}

fn render(reply: &NextReply, explain: bool, view: &View) -> String {
    let view = view.in_zone(&reply.timezone);
    let mut text = String::new();
    if reply.scheduler == SchedulerState::Stopped {
        text.push_str(
            "The scheduler is stopped: none of these runs starts until `cachectl start-scheduler`.\n",
        );
    }
    if explain {
        text.push_str(&explanation(reply));
    }
    // The answer for a single fire stays one line, for scripts that split it.
    for note in reply.notes.iter().filter(|_| explain || reply.fires.len() != 1) {
        let _ = writeln!(text, "Note: {}", one_line(note));
    }
    if explain && !reply.notes.is_empty() {
        text.push('\n');
    }
    match (reply.fires.as_slice(), explain) {
        ([], _) => text.push_str("No further runs are scheduled.\n"),
        ([fire], false) => {
            let (moment, distance) = (view.moment(fire.at), view.distance(fire.at));
            let _ = writeln!(text, "Next refresh {moment} ({distance})");
        }
        (fires, false) => {
            let rows = fires.iter().map(|fire| when(fire, &view)).collect();
            text.push_str(&table::render(&view, &["FIRES", "WHEN"].map(words), rows));
        }
        (fires, true) => {
            let columns = ["FIRES", "WHEN", "SLOT", "OFFSET"].map(words);
            let rows = fires.iter().map(|fire| explained(fire, &view)).collect();
            text.push_str(&table::render(&view, &columns, rows));
            text.push_str(&notes(fires));
        }
    }
    text
}

fn explanation(reply: &NextReply) -> String {
    format!(
        "Schedule: {}, in {}\n\
         A slot is a wall-clock time in that zone. A slot that a clock change skips runs at\n\
         the first instant after the gap; a slot that it repeats runs the first time only.\n\n",
        one_line(&reply.schedule),
        one_line(&reply.timezone)
    )
}

/// Describes what is special about single fires; printed below the listing because it may be long.
fn notes(fires: &[Fire]) -> String {
    let noted = fires.iter().filter_map(|fire| fire.note.as_ref().map(|note| (&fire.slot, note)));
    let lines: Vec<String> =
        noted.map(|(slot, note)| format!("{}: {}\n", one_line(slot), one_line(note))).collect();
    if lines.is_empty() { String::new() } else { format!("\n{}", lines.concat()) }
}

fn when(fire: &Fire, view: &View) -> Vec<Cell> {
    vec![cell(view.moment(fire.at)), cell(view.distance(fire.at))]
}

fn explained(fire: &Fire, view: &View) -> Vec<Cell> {
    let mut row = when(fire, view);
    row.extend([cell(&fire.slot), cell(&fire.offset)]);
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;
    use crate::testing::{HOSTILE, at, view};

    fn reply(scheduler: SchedulerState) -> NextReply {
        let fire = |slot: &str, instant, offset: &str, note: Option<&str>| Fire {
            slot: slot.into(),
            at: at(instant),
            offset: offset.into(),
            note: note.map(str::to_owned),
        };
        NextReply {
            scheduler,
            timezone: "America/Chicago".into(),
            schedule: "daily at 02:00".into(),
            fires: vec![
                fire("2026-11-23 02:00", "2026-11-23T08:00:00Z", "-06:00", None),
                fire("2027-03-14 02:00", "2027-03-14T08:00:00Z", "-05:00", Some("02:00 does not exist")),
                fire("2027-03-15 02:00", "2027-03-15T07:00:00Z", "-05:00", Some(HOSTILE)),
            ],
            notes: vec!["slot 2026-11-22 02:00 was missed; run 12 catches up with it".into()],
        }
    }

    #[test]
    fn one_fire_is_one_line() {
        let reply = NextReply {
            fires: reply(SchedulerState::Running).fires[..1].to_vec(),
            ..reply(SchedulerState::Running)
        };
        insta::assert_snapshot!(render(&reply, false, &view()), @"Next refresh Mon 23 Nov 02:00 CST (in 11 h 16 min)");
    }

    #[test]
    fn several_fires_are_a_listing() {
        insta::assert_snapshot!(render(&reply(SchedulerState::Stopped), false, &view()), @r"
        The scheduler is stopped: none of these runs starts until `cachectl start-scheduler`.
        Note: slot 2026-11-22 02:00 was missed; run 12 catches up with it
        FIRES                      WHEN
        Mon 23 Nov 02:00 CST       in 11 h 16 min
        Sun 14 Mar 2027 03:00 CDT  in 111 d 11 h
        Mon 15 Mar 2027 02:00 CDT  in 112 d 10 h
        ");
    }

    #[test]
    fn an_explanation_names_slot_and_clock_change() {
        insta::assert_snapshot!(render(&reply(SchedulerState::Running), true, &view()), @r"
        Schedule: daily at 02:00, in America/Chicago
        A slot is a wall-clock time in that zone. A slot that a clock change skips runs at
        the first instant after the gap; a slot that it repeats runs the first time only.

        Note: slot 2026-11-22 02:00 was missed; run 12 catches up with it

        FIRES                      WHEN            SLOT              OFFSET
        Mon 23 Nov 02:00 CST       in 11 h 16 min  2026-11-23 02:00  -06:00
        Sun 14 Mar 2027 03:00 CDT  in 111 d 11 h   2027-03-14 02:00  -05:00
        Mon 15 Mar 2027 02:00 CDT  in 112 d 10 h   2027-03-15 02:00  -05:00

        2027-03-14 02:00: 02:00 does not exist
        2027-03-15 02:00: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn a_schedule_may_never_fire() {
        let reply = NextReply { fires: Vec::new(), ..reply(SchedulerState::Running) };
        insta::assert_snapshot!(render(&reply, false, &view()), @r"
        Note: slot 2026-11-22 02:00 was missed; run 12 catches up with it
        No further runs are scheduled.
        ");
    }

    #[test]
    fn an_unknown_zone_falls_back_to_that_of_the_client() {
        let reply = NextReply { timezone: HOSTILE.into(), ..reply(SchedulerState::Running) };
        assert!(render(&reply, false, &view()).contains("Mon 23 Nov 02:00 CST"));
    }

    #[test]
    fn json_keeps_its_keys() {
        let reply = NextReply {
            fires: reply(SchedulerState::Running).fires[1..2].to_vec(),
            ..reply(SchedulerState::Running)
        };
        insta::assert_snapshot!(output::json(&reply).unwrap(), @r#"
        {
          "scheduler": "running",
          "timezone": "America/Chicago",
          "schedule": "daily at 02:00",
          "fires": [
            {
              "slot": "2027-03-14 02:00",
              "at": "2027-03-14T08:00:00Z",
              "offset": "-05:00",
              "note": "02:00 does not exist"
            }
          ],
          "notes": [
            "slot 2026-11-22 02:00 was missed; run 12 catches up with it"
          ]
        }
        "#);
    }
}
