//! `notify`: tests whether notices would arrive.

use std::fmt::Write as _;
use std::time::Duration;

use cached_proto::text::one_line;
use cached_proto::verb::notify::{NotifyReply, NotifyRequest};
use clap::Args;

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Time limit for the answer: the longest `notify.timeout`, and a little more.
const ANSWER: Duration = Duration::from_mins(11);

/// Arguments of `notify`.
#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// Send a test; a dead man's switch takes it for a successful run
    #[arg(long, required = true)]
    pub(crate) test: bool,
}

/// Sends the request and prints the answer; fails unless there is a channel and every channel works.
pub(crate) async fn run(context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call_within(ANSWER, NotifyRequest).await?;
    context.print(&reply, |_| render(&reply))?;
    judge(&reply)
}

fn judge(reply: &NotifyReply) -> Result<Exit, CtlError> {
    if reply.channels.is_empty() {
        return Err(CtlError::NoChannel);
    }
    Ok(Exit::good_if(reply.channels.iter().all(|channel| channel.error.is_none())))
}

fn render(reply: &NotifyReply) -> String {
    let mut text = String::new();
    for channel in &reply.channels {
        let result = channel.error.as_deref().map_or_else(|| "ok".into(), one_line);
        let _ = writeln!(text, "notify.{}: {result}", one_line(&channel.channel));
    }
    text
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::notify::ChannelResult;

    use super::*;
    use crate::error::Named;
    use crate::output;
    use crate::testing::HOSTILE;

    fn reply(channels: &[(&str, Option<&str>)]) -> NotifyReply {
        let result = |&(channel, error): &(&str, Option<&str>)| ChannelResult {
            channel: channel.to_owned(),
            error: error.map(str::to_owned),
        };
        NotifyReply { channels: channels.iter().map(result).collect() }
    }

    #[test]
    fn every_channel_has_its_line() {
        insta::assert_snapshot!(render(&reply(&[("command", None), ("webhook", Some(HOSTILE))])), @r"
        notify.command: ok
        notify.webhook: all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        ");
    }

    #[test]
    fn without_channels_nothing_is_printed_and_the_error_says_which_keys_to_set() {
        assert_eq!(render(&reply(&[])), "");
        let error = judge(&reply(&[])).unwrap_err();
        assert_eq!(error.exit(), Exit::Failed);
        insta::assert_snapshot!(error.lines(Named::Default).join("\n"), @r"
        error: no notification channel is configured
        hint: set command, webhook, mail or ping_url below [notify] in the configuration of cached, then `cachectl reload`
        ");
    }

    #[test]
    fn only_channels_that_all_work_are_good() {
        for (channels, exit) in [
            (&[("command", None)][..], Exit::Good),
            (&[("command", None), ("ping_url", Some("refused"))], Exit::Failed),
        ] {
            assert_eq!(judge(&reply(channels)).unwrap(), exit, "{channels:?}");
        }
    }

    #[test]
    fn json_keeps_its_keys() {
        insta::assert_snapshot!(output::json(&reply(&[("command", None), ("webhook", Some("refused"))])).unwrap(), @r#"
        {
          "channels": [
            {
              "channel": "command",
              "error": null
            },
            {
              "channel": "webhook",
              "error": "refused"
            }
          ]
        }
        "#);
    }
}
