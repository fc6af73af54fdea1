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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_and_bidirectional_characters_become_escapes() {
        for (given, shown) in [
            ("", ""),
            ("Ünïcödé, 日本語, 👩‍🏫 and \\n", "Ünïcödé, 日本語, 👩‍🏫 and \\n"),
            ("two\nlines", "two\\nlines"),
            ("dos\r\nline\tand tab", "dos\\r\\nline\\tand tab"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("nul\0", "nul\\u{0}"),
            ("del\u{7f}", "del\\u{7f}"),
            ("c1 \u{85}\u{9b}", "c1 \\u{85}\\u{9b}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("a\u{2028}b\u{2029}c", "a\\u{2028}b\\u{2029}c"),
            ("\u{feff}bom", "\\u{feff}bom"),
        ] {
            assert_eq!(one_line(given), shown);
        }
    }

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(one_line("Kansas City, MO"), Cow::Borrowed("Kansas City, MO")));
    }

    #[test]
    fn a_text_over_the_limit_ends_in_an_ellipsis() {
        for (given, max, shown) in [
            ("", 0, ""),
            ("abc", 0, ""),
            ("abc", 1, "…"),
            ("abc", 2, "a…"),
            ("abc", 3, "abc"),
            ("äöü", 3, "äöü"),
            ("äöüß", 3, "äö…"),
        ] {
            assert_eq!(truncated(given, max), shown, "{given:?} in {max}");
        }
    }

    /// Text in which disturbing characters are as likely as others.
    fn foreign_text() -> impl Strategy<Value = String> {
        let disturbing = prop_oneof![
            0_u32..0x20,
            0x7f_u32..0xa0,
            Just(0x61c),
            0x200e_u32..0x2010,
            0x2028_u32..0x202f,
            0x2066_u32..0x206a,
            Just(0xfeff),
        ];
        let character = prop_oneof![any::<char>(), disturbing.prop_filter_map("a character", char::from_u32)];
        prop::collection::vec(character, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_line_and_a_second_pass_changes_nothing(text in foreign_text()) {
            let line = one_line(&text);
            for c in line.chars() {
                prop_assert!(!c.is_control(), "{c:?}");
                let disturbing = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
                                  \u{2066}\u{2067}\u{2068}\u{2069}\u{feff}";
                prop_assert!(!disturbing.contains(c), "{c:?}");
            }
            // What is a line already stays what it is.
            prop_assert_eq!(one_line(&line), line.as_ref());
        }

        #[test]
        fn letters_digits_and_punctuation_stay(text in "[\\p{L}\\p{N}\\p{P} ]{0,40}") {
            prop_assert_eq!(one_line(&text), text.as_str());
        }

        #[test]
        fn a_cut_text_fits(text in ".{0,40}", max in 0_usize..50) {
            prop_assert!(truncated(&text, max).chars().count() <= max);
        }
    }
}
