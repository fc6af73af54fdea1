//! `rehearse`: what the scheduler would do on given days.

use std::fmt::Write as _;

use cached_present::count;
use cached_proto::text::one_line;
use cached_proto::verb::rehearse::{Decision, RehearseReply, RehearseRequest};
use cached_proto::words::{SchedulerState, SlotFate, Table, Trigger};
use clap::Args;
use comfy_table::Cell;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::table::{cell, words};
use crate::output::{View, table};
use crate::values;
use crate::when::{self, When};

/// Largest number of tables that are named instead of counted; JSON names all of them.
const NAMED: usize = 2;

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// The first day, in the zone of the schedule: a date such as 2026-03-07, today, tomorrow, yesterday
    #[arg(long, value_name = "DATE", value_parser = when::day)]
    pub(crate) from: When,
    /// How many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = values::whole(1..=400_u32))]
    pub(crate) days: u32,
}

/// Sends the request and prints the answer.
pub(crate) async fn run(args: &RehearseArgs, context: &Context) -> Result<Exit, CtlError> {
    let from = context.day(args.from).await?.to_string();
    let reply = context.call(RehearseRequest { from, days: args.days }).await?;
    context.print(&reply, |view| render(&reply, view))?;
    Ok(Exit::Good)
}

fn render(reply: &RehearseReply, view: &View) -> String {
    let view = view.in_zone(&reply.timezone);
    let days = count(reply.days, "day");
    let mut text = format!(
        "{} in {}: {days} from {}\n",
        one_line(&reply.schedule),
        one_line(&reply.timezone),
        one_line(&reply.from)
    );
    if reply.scheduler == SchedulerState::Stopped {
        text.push_str("The scheduler is stopped: none of this happens until `cachectl start-scheduler`.\n");
    }
    for note in &reply.notes {
        let _ = writeln!(text, "Note: {}", one_line(note));
    }
    if reply.decisions.is_empty() {
        text.push_str("No decisions on these days.\n");
        return text;
    }
    text.push('\n');
    let columns = ["AT", "OFFSET", "TRIGGER", "SLOT", "FATE", "TABLES", "WHY"].map(words);
    let rows = reply.decisions.iter().map(|decision| row(decision, &view)).collect();
    text.push_str(&table::render(&view, &columns, rows));
    text
}

fn row(decision: &Decision, view: &View) -> Vec<Cell> {
    let tables = match decision {
        Decision { fate: SlotFate::Paused, .. } => "-".to_owned(),
        Decision { trigger: Trigger::Schedule, .. } => "all".to_owned(),
        Decision { tables, .. } if tables.len() > NAMED => format!("{} tables", tables.len()),
        _ => decision.tables.iter().map(|table| Table::as_str(*table)).collect::<Vec<_>>().join(", "),
    };
    vec![
        cell(view.moment(decision.at)),
        cell(&decision.offset),
        cell(decision.trigger.as_str()),
        cell(decision.slot.as_deref().unwrap_or("-")),
        cell(decision.fate.as_str()),
        cell(tables),
        cell(decision.note.as_deref().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;
    use crate::testing::{HOSTILE, at, view};

    fn reply() -> RehearseReply {
        let decision = |instant, offset: &str, slot: Option<&str>, note: Option<&str>| Decision {
            at: at(instant),
            offset: offset.into(),
            trigger: if slot.is_some() { Trigger::Schedule } else { Trigger::TopUp },
            slot: slot.map(str::to_owned),
            fate: SlotFate::Run,
            tables: vec![Table::DiaEventsReportCache],
            note: note.map(str::to_owned),
        };
        RehearseReply {
            scheduler: SchedulerState::Running,
            timezone: "America/Chicago".into(),
            schedule: "daily at 02:00".into(),
            from: "2027-03-13".into(),
            days: 2,
            decisions: vec![
                decision("2027-03-13T08:00:00Z", "-06:00", Some("2027-03-13 02:00"), None),
                decision("2027-03-14T07:00:00Z", "-06:00", None, Some("too late")),
                decision("2027-03-14T08:00:00Z", "-05:00", Some("2027-03-14 02:00"), Some(HOSTILE)),
            ],
            notes: vec![HOSTILE.into()],
        }
    }

    fn wide() -> View {
        View { width: None, ..view() }
    }

    #[test]
    fn decisions_are_a_listing_in_the_zone_of_the_schedule() {
        insta::assert_snapshot!(render(&reply(), &wide()), @r"
        daily at 02:00 in America/Chicago: 2 days from 2027-03-13
        Note: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end

        AT                         OFFSET  TRIGGER   SLOT              FATE  TABLES                   WHY
        Sat 13 Mar 2027 02:00 CST  -06:00  schedule  2027-03-13 02:00  run   all
        Sun 14 Mar 2027 01:00 CST  -06:00  top_up    -                 run   dia_events_report_cache  too late
        Sun 14 Mar 2027 03:00 CDT  -05:00  schedule  2027-03-14 02:00  run   all                      all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn a_stopped_scheduler_is_mentioned_above_the_decisions() {
        let mut reply = RehearseReply { scheduler: SchedulerState::Stopped, days: 1, ..reply() };
        reply.decisions.truncate(1);
        reply.decisions[0].fate = SlotFate::Paused;
        reply.notes.clear();
        insta::assert_snapshot!(render(&reply, &wide()), @r"
        daily at 02:00 in America/Chicago: 1 day from 2027-03-13
        The scheduler is stopped: none of this happens until `cachectl start-scheduler`.

        AT                         OFFSET  TRIGGER   SLOT              FATE    TABLES  WHY
        Sat 13 Mar 2027 02:00 CST  -06:00  schedule  2027-03-13 02:00  paused  -
        ");
    }

    #[test]
    fn days_without_decisions_say_so() {
        let reply = RehearseReply { decisions: Vec::new(), notes: Vec::new(), ..reply() };
        insta::assert_snapshot!(render(&reply, &wide()), @r"
        daily at 02:00 in America/Chicago: 2 days from 2027-03-13
        No decisions on these days.
        ");
    }

    #[test]
    fn json_keeps_its_keys() {
        let mut reply = reply();
        reply.decisions.drain(..2);
        insta::assert_snapshot!(output::json(&reply).unwrap(), @r#"
        {
          "scheduler": "running",
          "timezone": "America/Chicago",
          "schedule": "daily at 02:00",
          "from": "2027-03-13",
          "days": 2,
          "decisions": [
            {
              "at": "2027-03-14T08:00:00Z",
              "offset": "-05:00",
              "trigger": "schedule",
              "slot": "2027-03-14 02:00",
              "fate": "run",
              "tables": [
                "dia_events_report_cache"
              ],
              "note": "all fresh\n\u001b[2Jok \u202etxt\u2028end"
            }
          ],
          "notes": [
            "all fresh\n\u001b[2Jok \u202etxt\u2028end"
          ]
        }
        "#);
    }
}
