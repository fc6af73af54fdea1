//! `ping`: whether the daemon runs, and its version and process.

use cached_proto::text::one_line;
use cached_proto::verb::ping::{PingRequest, Pong};

use crate::context::Context;
use crate::error::{CtlError, Exit};
use crate::output::View;

/// Sends the request and prints the answer.
pub(crate) async fn run(context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(PingRequest).await?;
    context.print_zoned(&reply, |view| render(&reply, view)).await?;
    Ok(Exit::Good)
}

fn render(reply: &Pong, view: &View) -> String {
    format!(
        "cached {} answers (pid {}, up {}, since {})\n",
        one_line(&reply.version),
        reply.pid,
        view.age(reply.started),
        view.moment(reply.started)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;
    use crate::testing::{HOSTILE, at, view};

    #[test]
    fn a_ping_is_one_line() {
        let pong =
            |version: &str| Pong { version: version.into(), pid: 4711, started: at("2026-11-22T17:32:00Z") };
        insta::assert_snapshot!(render(&pong("0.1.0"), &view()), @"cached 0.1.0 answers (pid 4711, up 3 h 12 min, since Sun 22 Nov 11:32 CST)");
        insta::assert_snapshot!(render(&pong(HOSTILE), &view()), @r"cached all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end answers (pid 4711, up 3 h 12 min, since Sun 22 Nov 11:32 CST)");
    }

    #[test]
    fn json_keeps_its_keys() {
        let pong = Pong { version: "0.1.0".into(), pid: 4711, started: at("2026-11-22T17:32:00Z") };
        insta::assert_snapshot!(output::json(&pong).unwrap(), @r#"
        {
          "version": "0.1.0",
          "pid": 4711,
          "started": "2026-11-22T17:32:00Z"
        }
        "#);
    }
}
