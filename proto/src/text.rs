//! Makes foreign text safe for one line of a log, a table or an event.
//!
//! Names in VMS's data, errors of libraries and text from a peer may hold line breaks (which forge log
//! lines), terminal escapes (which forge screens) and bidirectional controls (which reorder what a person
//! reads).

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes `text` one line that shows its contents: controls, bidirectional controls and line separators appear
/// as Rust writes them in a literal, for example `\n` or `\u{202e}`.
///
/// A backslash stays as it is: the result is for reading, not for parsing back.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(disturbs) else { return Cow::Borrowed(text) };
    let (clean, rest) = text.split_at(first);
    let mut line = String::with_capacity(text.len() + 16);
    line.push_str(clean);
    for c in rest.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if disturbs(c) => push_escaped(&mut line, c),
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

/// Returns at most `max_chars` characters of `text`; a cut is marked by `…`, which counts as one.
pub fn truncated(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.chars().nth(max_chars).is_none() {
        return Cow::Borrowed(text);
    }
    let Some(kept) = max_chars.checked_sub(1) else { return Cow::Borrowed("") };
    let mut short: String = text.chars().take(kept).collect();
    short.push('…');
    Cow::Owned(short)
}

/// Whether a character breaks the line, commands the terminal or changes the direction of reading.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

fn push_escaped(line: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
}
