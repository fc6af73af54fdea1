//! Text as VMS's Python treats it.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Whether Python counts the character as whitespace: Unicode's, and four separators of ASCII.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// A text without whitespace around it, as `str.strip()` leaves it.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether a text is letters and numbers only, as `str.isalnum()` finds; the empty text is not. Vowel signs, which
/// Rust counts as alphabetic, are marks to Python.
pub fn is_alphanumeric(text: &str) -> bool {
    let letter_or_number = |c: char| {
        matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
    };
    !text.is_empty() && text.chars().all(letter_or_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_is_pythons() {
        assert_eq!(strip(" \x1f\u{a0}\u{3000}a b\x1c\n"), "a b");
        assert_eq!(strip("\u{200b}a"), "\u{200b}a", "a zero width space is none");
    }

    #[test]
    fn letters_and_numbers_are_pythons() {
        for (text, expected) in [
            ("0035f00000AbCdEfGh", true),
            ("éééééééééééééééééé", true),
            ("２²Ⅷ五", true),
            ("किकिकिकिकिकिकिकिकि", false),
            ("Ⓐ", false),
            ("a b", false),
            ("", false),
        ] {
            assert_eq!(is_alphanumeric(text), expected, "{text}");
        }
    }
}
