//! JSON for scripts, and for people who look at it.

use std::borrow::Cow;
use std::fmt::Write as _;

use cached_proto::text::one_line;
use serde::Serialize;

use crate::error::CtlError;

/// The value as indented JSON with a newline at its end.
pub(crate) fn render<T: Serialize>(value: &T) -> Result<String, CtlError> {
    let mut text = escaped(&serde_json::to_string_pretty(value).map_err(CtlError::Json)?);
    text.push('\n');
    Ok(text)
}

/// JSON lets bidirectional controls and line separators stand as they are, a terminal acts on them. Outside
/// strings there are none, so escaping them keeps the value.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if disturbs_terminals(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn disturbs_terminals(c: char) -> bool {
    let plain = c == '\n' || (c.is_ascii() && !c.is_ascii_control());
    !plain && matches!(one_line(c.encode_utf8(&mut [0; 4])), Cow::Owned(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::HOSTILE;

    #[test]
    fn what_terminals_act_on_is_escaped_and_the_value_kept() {
        for given in [HOSTILE, "\u{7f}\u{9b}31m", "Kärlek 🎓 \\ \"quoted\"", "\u{e0001}"] {
            let json = render(&given).unwrap();
            assert!(!json.trim_end().chars().any(disturbs_terminals), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), given);
        }
        assert_eq!(render(&"Kärlek").unwrap(), "\"Kärlek\"\n");
    }
}
