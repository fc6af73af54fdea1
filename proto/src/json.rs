//! JSON for scripts and for people: one form for `cachectl --json` and for the web.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

use crate::text::one_line;

/// Renders the value as indented JSON with a newline at its end. Fails only for values that JSON cannot
/// represent, such as a map whose keys are not text.
pub fn pretty<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut text = escaped(&serde_json::to_string_pretty(value)?);
    text.push('\n');
    Ok(text)
}

/// Renders the value as JSON without a line break.
pub fn compact<T: Serialize>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|json| escaped(&json))
}

/// Escapes bidirectional controls and line separators, which JSON allows unescaped but which a terminal or a
/// browser acts on. They occur only inside strings, so escaping them keeps the value.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if disturbs(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn disturbs(c: char) -> bool {
    let plain = c == '\n' || (c.is_ascii() && !c.is_ascii_control());
    !plain && matches!(one_line(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_act_on_is_escaped_and_the_value_kept() {
        let hostile = "all fresh\n\u{1b}[2Jok \u{202e}txt\u{2028}end";
        for given in [hostile, "\u{7f}\u{9b}31m", "Kärlek 🎓 \\ \"quoted\"", "\u{e0001}"] {
            let json = pretty(&given).unwrap();
            assert!(!json.trim_end().chars().any(disturbs), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), given);
        }
        assert_eq!(pretty(&"Kärlek").unwrap(), "\"Kärlek\"\n");
    }
}
