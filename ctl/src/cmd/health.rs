//! `health`: the daemon's health, and what to do about it.

use std::fmt::Write as _;

use cached_present::count;
use cached_proto::text::one_line;
use cached_proto::verb::health::{HealthReply, HealthRequest};
use cached_proto::words::HealthLevel;
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::View;

/// Arguments of `health`.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Exit with 1 when degraded, too
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Sends the request, prints the answer, and returns the health level as the exit code.
pub(crate) async fn run(args: &HealthArgs, context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(HealthRequest).await?;
    context.print(&reply, |view| render(&reply, view))?;
    Ok(judge(reply.health, args.strict))
}

const fn judge(health: HealthLevel, strict: bool) -> Exit {
    Exit::good_if(match health {
        HealthLevel::Healthy => true,
        HealthLevel::Degraded => !strict,
        HealthLevel::Unhealthy => false,
    })
}

fn render(reply: &HealthReply, view: &View) -> String {
    let level = view.style.paint(reply.health.into(), reply.health.as_str());
    // Notes do not count as reasons.
    let reasons = reply.reasons.iter().filter(|reason| reason.level != HealthLevel::Healthy).count();
    let mut text = match reasons {
        0 => format!("The daemon is {level}.\n"),
        reasons => format!("The daemon is {level} for {}.\n", count(reasons, "reason")),
    };
    for reason in &reply.reasons {
        let level = match reason.level {
            HealthLevel::Healthy => "note".to_owned(),
            level => view.style.paint(level.into(), level.as_str()),
        };
        let (code, message) = (one_line(&reason.code), one_line(&reason.message));
        let _ = writeln!(text, "\n{level}: {message} [{code}]");
        if !reason.hint.is_empty() {
            let _ = writeln!(text, "hint: {}", one_line(&reason.hint));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::health::{Reason, VmsPage};

    use super::*;
    use crate::output;
    use crate::output::Style;
    use crate::testing::{HOSTILE, view, visible};

    fn degraded() -> HealthReply {
        let reason = |code: &str, level, message: &str, hint: &str| Reason {
            code: code.into(),
            level,
            message: message.into(),
            hint: hint.into(),
        };
        HealthReply {
            health: HealthLevel::Unhealthy,
            reasons: vec![
                reason(
                    "database_unreachable",
                    HealthLevel::Unhealthy,
                    "the VMS database /srv/vms.db cannot be opened",
                    "check the permissions of the file: ls -l /srv/vms.db",
                ),
                reason("tables_stale", HealthLevel::Degraded, HOSTILE, ""),
            ],
            vms_page: Some(VmsPage {
                url: "http://127.0.0.1:8000/health".into(),
                status: Some(200),
                milliseconds: 12,
                error: None,
            }),
        }
    }

    #[test]
    fn every_reason_says_what_to_do() {
        insta::assert_snapshot!(render(&degraded(), &view()), @r"
        The daemon is unhealthy for 2 reasons.

        unhealthy: the VMS database /srv/vms.db cannot be opened [database_unreachable]
        hint: check the permissions of the file: ls -l /srv/vms.db

        degraded: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end [tables_stale]
        ");
    }

    #[test]
    fn a_healthy_daemon_without_reasons_is_one_line() {
        let healthy = HealthReply { health: HealthLevel::Healthy, reasons: Vec::new(), vms_page: None };
        insta::assert_snapshot!(render(&healthy, &view()), @"The daemon is healthy.");
    }

    #[test]
    fn a_reason_of_level_healthy_is_shown_as_a_note() {
        let mut healthy = degraded();
        healthy.health = HealthLevel::Healthy;
        healthy.reasons.truncate(1);
        healthy.reasons[0].level = HealthLevel::Healthy;
        insta::assert_snapshot!(render(&healthy, &view()), @r"
        The daemon is healthy.

        note: the VMS database /srv/vms.db cannot be opened [database_unreachable]
        hint: check the permissions of the file: ls -l /srv/vms.db
        ");
    }

    #[test]
    fn levels_are_coloured_on_a_terminal() {
        let view = View { style: Style { colour: true }, ..view() };
        insta::assert_snapshot!(visible(&render(&degraded(), &view)), @r"
        The daemon is <ESC>[31munhealthy<ESC>[0m for 2 reasons.

        <ESC>[31munhealthy<ESC>[0m: the VMS database /srv/vms.db cannot be opened [database_unreachable]
        hint: check the permissions of the file: ls -l /srv/vms.db

        <ESC>[33mdegraded<ESC>[0m: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end [tables_stale]
        ");
    }

    #[test]
    fn degraded_exits_with_1_only_when_strict_and_unhealthy_always() {
        for (health, strict, exit) in [
            (HealthLevel::Healthy, true, Exit::Good),
            (HealthLevel::Degraded, false, Exit::Good),
            (HealthLevel::Degraded, true, Exit::Failed),
            (HealthLevel::Unhealthy, false, Exit::Failed),
        ] {
            assert_eq!(judge(health, strict), exit, "{health}, strict: {strict}");
        }
    }

    #[test]
    fn json_keeps_its_keys() {
        insta::assert_snapshot!(output::json(&degraded()).unwrap(), @r#"
        {
          "health": "unhealthy",
          "reasons": [
            {
              "code": "database_unreachable",
              "level": "unhealthy",
              "message": "the VMS database /srv/vms.db cannot be opened",
              "hint": "check the permissions of the file: ls -l /srv/vms.db"
            },
            {
              "code": "tables_stale",
              "level": "degraded",
              "message": "all fresh\n\u001b[2Jok \u202etxt\u2028end",
              "hint": ""
            }
          ],
          "vms_page": {
            "url": "http://127.0.0.1:8000/health",
            "status": 200,
            "milliseconds": 12,
            "error": null
          }
        }
        "#);
    }
}
