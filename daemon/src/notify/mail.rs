//! A notice as a mail (RFC 5322), for the standard input of `sendmail`.
//!
//! All of it is ASCII with short lines, so that no server on the way has to convert it. There is no `From`: `sendmail`
//! adds the one that this machine's mail comes from, which its provider accepts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::notice::Notice;
use crate::config::Recipients;

/// The arguments of `sendmail`: a line with only a dot does not end the message, and its header names the recipients.
pub(super) const ARGUMENTS: [&str; 2] = ["-i", "-t"];

/// Longest line of the body.
const LONGEST_LINE: usize = 76;

/// Bytes that an encoded word holds, which may have 75 characters in all.
const WORD: usize = 45;

/// The whole message.
pub(super) fn message(notice: &Notice, to: &Recipients, host: &str) -> String {
    let at = notice.at().to_utc();
    let header = [
        ("To", to.addresses().join(",\n ")),
        ("Subject", header_value(&notice.title(), "\n ")),
        ("Date", at.to_rfc2822()),
        ("Message-ID", format!("<{}.cached@{}>", at.timestamp_micros(), domain(host))),
        // No mailbox may answer it with a note of absence.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "quoted-printable".to_owned()),
    ];
    let mut message = String::new();
    for (name, value) in header {
        // Writing to a String cannot fail.
        let _ = writeln!(message, "{name}: {value}");
    }
    message.push('\n');
    // A reason and what to do about it are easier to read, and to copy, below each other.
    let lines = notice.lines().join("\n\n").replace(" | to do: ", "\nto do: ");
    let paragraphs = [notice.title(), lines, notice.stamp()];
    let body: Vec<String> = paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
    message.push_str(&quoted_printable(&body.join("\n\n")));
    message
}

/// A text of one line as the value of a header: as it is if it is ASCII, else as encoded words (RFC 2047).
pub(super) fn header_value(text: &str, between: &str) -> String {
    // What looks like an encoded word would be decoded.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for c in text.chars() {
        match words.last_mut() {
            // No character may be divided between two words.
            Some(word) if word.len() + c.len_utf8() <= WORD => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let words: Vec<String> =
        words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word))).collect();
    words.join(between)
}

/// The host as the right side of a message's number, whatever the machine is called.
fn domain(host: &str) -> String {
    let domain: String =
        host.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '.').collect();
    let domain = domain.trim_matches('.').replace("..", ".");
    if domain.is_empty() { "localhost".to_owned() } else { domain }
}

fn quoted_printable(text: &str) -> String {
    let mut encoded = String::new();
    for line in text.lines() {
        let mut column = 0;
        for (at, byte) in line.bytes().enumerate() {
            let is_last = at + 1 == line.len();
            let piece = match byte {
                b'!'..=b'<' | b'>'..=b'~' => char::from(byte).to_string(),
                // At the end of a line a server could remove it.
                b' ' if !is_last => " ".to_owned(),
                _ => format!("={byte:02X}"),
            };
            if column + piece.len() >= LONGEST_LINE {
                encoded.push_str("=\n");
                column = 0;
            }
            column += piece.len();
            encoded.push_str(&piece);
        }
        encoded.push('\n');
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_ascii_and_an_encoded_word_has_at_most_75_characters() {
        for (text, expected) in [
            ("cached on vps1: test", "cached on vps1: test"),
            ("caf\u{e9}", "=?utf-8?B?Y2Fmw6k=?="),
            ("=?utf-8?B?eA==?=", "=?utf-8?B?PT91dGYtOD9CP2VBPT0/PQ==?="),
        ] {
            assert_eq!(header_value(text, "\n "), expected);
        }
        let long = header_value(&"\u{20ac}".repeat(100), "\n ");
        assert!(long.lines().count() > 1 && long.lines().all(|line| line.trim().len() <= 75), "{long}");
        let decoded = |line: &str| {
            let word = line.trim().strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap().to_owned();
            String::from_utf8(BASE64.decode(word).unwrap()).unwrap()
        };
        assert_eq!(long.lines().map(decoded).collect::<String>(), "\u{20ac}".repeat(100));
    }

    #[test]
    fn a_body_is_ascii_in_lines_of_at_most_76_characters() {
        for (text, expected) in [
            ("a = b\n\n.\n", "a =3D b\n\n.\n"),
            ("caf\u{e9} ", "caf=C3=A9=20\n"),
            ("From \ttab", "From =09tab\n"),
        ] {
            assert_eq!(quoted_printable(text), expected);
        }
        let long = quoted_printable(&format!("{} {}", "x".repeat(500), "\u{e9}".repeat(500)));
        assert!(long.is_ascii() && long.lines().all(|line| line.len() <= LONGEST_LINE), "{long}");
        let joined = long.replace("=\n", "");
        assert_eq!(joined, format!("{} {}\n", "x".repeat(500), "=C3=A9".repeat(500)));
    }

    #[test]
    fn a_host_with_any_name_makes_a_valid_message_number() {
        for (host, expected) in
            [("vps1", "vps1"), ("my_vps.example.org.", "myvps.example.org"), ("\u{e9}>", "localhost")]
        {
            assert_eq!(domain(host), expected);
        }
    }
}
