//! Foreign text on one line.

use std::borrow::Cow;

use cached_proto::text::{one_line, truncated};
use proptest::prelude::*;

#[test]
fn what_disturbs_a_line_is_shown_as_an_escape() {
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
fn what_is_too_long_ends_in_an_ellipsis() {
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
    fn a_line_is_a_line(text in foreign_text()) {
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
