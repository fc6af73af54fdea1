//! Text functions that behave like Python's, as VMS uses them.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Returns whether Python counts the character as whitespace: Unicode's whitespace, and four ASCII
/// separators.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Returns a text without surrounding whitespace, as `str.strip()` does.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Returns whether a text is letters and numbers only, as `str.isalnum()` does; the empty text is not. Vowel
/// signs, which Rust counts as alphabetic, are marks in Python.
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
