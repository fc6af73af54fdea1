//! The request that each service expects: one function for each format.
//!
//! A text is cut before it exceeds the service's limit, and what the service would take for markup is escaped: names
//! of tables have underscores, and an error may contain anything.

use cached_present::Tone;
use serde_json::json;

use super::mail::header_value;
use super::notice::Notice;
use crate::config::WebhookFormat;
use crate::fetch::Content;

/// Limits in bytes, each below what the service takes: Slack recommends 4000 characters and Google Chat takes 4096,
/// Discord takes 2000 characters, a message for Teams may have 28 KB, and ntfy makes an attachment of more than 4096
/// bytes.
const SLACK: usize = 4000;
const DISCORD: usize = 2000;
const TEAMS: usize = 16_000;
const NTFY: usize = 4000;

/// The content of the request.
pub(super) fn content(format: WebhookFormat, notice: &Notice) -> Content {
    match format {
        WebhookFormat::Json => json(notice.json()),
        WebhookFormat::Slack => slack(notice),
        WebhookFormat::Discord => discord(notice),
        WebhookFormat::Teams => teams(notice),
        WebhookFormat::Ntfy => ntfy(notice),
    }
}

fn json(body: String) -> Content {
    Content { media_type: "application/json", headers: Vec::new(), body }
}

fn slack(notice: &Notice) -> Content {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        // Mattermost would notify everybody of a channel.
        '@' => "@\u{200b}".to_owned(),
        c => c.to_string(),
    };
    json(json!({ "text": cut(notice.text().trim_end(), SLACK, escape) }).to_string())
}

fn discord(notice: &Notice) -> Content {
    let content = cut(notice.text().trim_end(), DISCORD, markdown);
    json(json!({ "content": content, "allowed_mentions": { "parse": [] } }).to_string())
}

fn teams(notice: &Notice) -> Content {
    let color = match notice.tone() {
        Tone::Good => "Good",
        Tone::Warning => "Warning",
        Tone::Bad => "Attention",
        Tone::Plain => "Default",
    };
    let title = cut(&notice.title(), TEAMS, markdown);
    let mut room = TEAMS.saturating_sub(title.len());
    let mut body =
        vec![json!({ "type": "TextBlock", "text": title, "weight": "Bolder", "color": color, "wrap": true })];
    for line in notice.lines().into_iter().chain([notice.stamp()]) {
        let text = cut(&line, room, markdown);
        room = room.saturating_sub(text.len());
        if !text.is_empty() {
            body.push(json!({ "type": "TextBlock", "text": text, "wrap": true }));
        }
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    json(json!({ "type": "message", "attachments": [attachment] }).to_string())
}

fn ntfy(notice: &Notice) -> Content {
    let (priority, tags) = match notice.tone() {
        Tone::Good => ("default", "white_check_mark"),
        Tone::Warning => ("default", "warning"),
        Tone::Bad => ("high", "rotating_light"),
        Tone::Plain => ("default", "information_source"),
    };
    let lines: Vec<String> = notice.lines().into_iter().chain([notice.stamp()]).collect();
    Content {
        media_type: "text/plain; charset=utf-8",
        headers: vec![
            ("Title", header_value(&notice.title(), " ")),
            ("Priority", priority.to_owned()),
            ("Tags", tags.to_owned()),
        ],
        body: cut(&lines.join("\n"), NTFY, |c| c.to_string()),
    }
}

/// Escapes Markdown of Discord and of cards; both take a backslash before any sign.
fn markdown(c: char) -> String {
    if "\\`*_~|<>[]#".contains(c) { format!("\\{c}") } else { c.to_string() }
}

/// The escaped text, at most so many bytes long. A cut is marked by `…` and divides no escape sequence.
fn cut(text: &str, limit: usize, escape: impl Fn(char) -> String) -> String {
    const MARK: char = '…';
    let mut whole = String::new();
    // The end of what may stay if the rest has to go.
    let mut kept = 0;
    for c in text.chars() {
        whole.push_str(&escape(c));
        if whole.len() > limit {
            whole.truncate(kept);
            if kept + MARK.len_utf8() <= limit {
                whole.push(MARK);
            }
            return whole;
        }
        if whole.len() + MARK.len_utf8() <= limit {
            kept = whole.len();
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_before_the_limit_and_between_escapes() {
        for (text, limit, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abc…"),
            ("a_b", 4, "a\\_b"),
            ("a_b_", 5, "a…"),
            ("a_b_", 6, "a\\_b\\_"),
            ("\u{20ac}\u{20ac}\u{20ac}", 8, "\u{20ac}…"),
            ("abc", 2, ""),
            ("", 0, ""),
        ] {
            let found = cut(text, limit, markdown);
            assert_eq!(found, expected, "{text}, {limit}");
            assert!(found.len() <= limit);
        }
    }
}
