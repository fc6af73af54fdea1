//! `reload`: makes the daemon read its configuration again.

use std::fmt::Write as _;

use cached_proto::text::one_line;
use cached_proto::verb::reload::{ReloadReply, ReloadRequest};

use crate::context::Context;
use crate::error::{CtlError, Exit};

/// Sends the request and prints the answer; fails unless every change took effect or waits for a restart.
pub(crate) async fn run(context: &Context) -> Result<Exit, CtlError> {
    let reply = context.call(ReloadRequest).await?;
    context.print(&reply, |_| render(&reply))?;
    Ok(judge(&reply))
}

fn judge(reply: &ReloadReply) -> Exit {
    Exit::good_if(reply.reloaded && reply.errors.is_empty())
}

fn render(reply: &ReloadReply) -> String {
    let value = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "off".to_owned(), |value| one_line(value).into_owned())
    };
    let mut text = String::new();
    for error in &reply.errors {
        let _ = writeln!(text, "error: {}", one_line(error));
    }
    for change in &reply.changed {
        let (from, to) = (value(&change.from), value(&change.to));
        let _ = writeln!(text, "{}: {from} -> {to}", one_line(&change.key));
    }
    for key in &reply.waiting {
        let (running, wanted) = (value(&key.running), value(&key.wanted));
        let _ = writeln!(text, "{}: stays {running}; restart cached for {wanted}", one_line(&key.key));
    }
    text.push_str(match (reply.reloaded, reply.changed.is_empty(), reply.waiting.is_empty()) {
        (false, ..) => "Nothing has changed: the running configuration stays in effect.\n",
        (true, true, true) => "Configuration reloaded; nothing changed.\n",
        (true, _, true) => "Configuration reloaded.\n",
        (true, _, false) => "Configuration reloaded; some changes need a restart.\n",
    });
    text
}

#[cfg(test)]
mod tests {
    use cached_proto::verb::reload::{ChangedKey, WaitingKey};

    use super::*;
    use crate::output;
    use crate::testing::HOSTILE;

    fn reply() -> ReloadReply {
        let text = |text: &str| Some(text.to_owned());
        ReloadReply {
            reloaded: true,
            changed: vec![
                ChangedKey { key: "log.level".into(), from: text("\"info\""), to: text("\"debug\"") },
                ChangedKey { key: "notify.command".into(), from: None, to: text(HOSTILE) },
            ],
            waiting: vec![WaitingKey {
                key: "http.listen".into(),
                running: text("\"127.0.0.1:8321\""),
                wanted: None,
            }],
            errors: Vec::new(),
        }
    }

    fn refused() -> ReloadReply {
        let errors =
            vec!["unknown key log.levle (/etc/cached/cached.toml line 7); did you mean log.level?".into()];
        ReloadReply { reloaded: false, changed: Vec::new(), waiting: Vec::new(), errors }
    }

    #[test]
    fn a_reload_lists_what_changed_and_what_needs_a_restart() {
        insta::assert_snapshot!(render(&reply()), @r#"
        log.level: "info" -> "debug"
        notify.command: off -> all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end
        http.listen: stays "127.0.0.1:8321"; restart cached for off
        Configuration reloaded; some changes need a restart.
        "#);
    }

    #[test]
    fn a_refused_reload_lists_the_errors_and_says_that_nothing_changed() {
        insta::assert_snapshot!(render(&refused()), @r"
        error: unknown key log.levle (/etc/cached/cached.toml line 7); did you mean log.level?
        Nothing has changed: the running configuration stays in effect.
        ");
    }

    #[test]
    fn a_reload_of_the_same_configuration_says_that_nothing_changed() {
        let same = ReloadReply { reloaded: true, errors: Vec::new(), ..refused() };
        insta::assert_snapshot!(render(&same), @"Configuration reloaded; nothing changed.");
    }

    #[test]
    fn a_refused_reload_exits_with_1_and_an_accepted_one_with_0() {
        let halfway = ReloadReply { errors: vec!["the log".into()], ..reply() };
        for (reply, exit) in [(reply(), Exit::Good), (refused(), Exit::Failed), (halfway, Exit::Failed)] {
            assert_eq!(judge(&reply), exit, "{reply:?}");
        }
    }

    #[test]
    fn json_keeps_its_keys() {
        insta::assert_snapshot!(output::json(&reply()).unwrap(), @r#"
        {
          "reloaded": true,
          "changed": [
            {
              "key": "log.level",
              "from": "\"info\"",
              "to": "\"debug\""
            },
            {
              "key": "notify.command",
              "from": null,
              "to": "all fresh\n\u001b[2Jok \u202etxt\u2028end"
            }
          ],
          "waiting": [
            {
              "key": "http.listen",
              "running": "\"127.0.0.1:8321\"",
              "wanted": null
            }
          ],
          "errors": []
        }
        "#);
    }
}
