//! How VMS's Python and its SQLite round, sum, trim and match.
//!
//! `0` and `0.0` are different texts on VMS's pages. Rounding is half to even on the exact binary value; a sum
//! without summands, and a percentage of zero, is the integer `0`.

use std::cmp::Ordering;

use serde::{Serialize, Serializer};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Rounds to `digits` decimals as Python's `round` does: the exact binary value decides, ties go to even.
pub fn round(value: f64, digits: usize) -> f64 {
    format!("{value:.digits$}").parse().unwrap_or(value)
}

/// A sum of hours: the integer `0` until a nonzero value is added, a float from then on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Hours(f64, bool);

impl Hours {
    /// Adds hours; `None` and zero add the integer zero.
    pub fn add(&mut self, hours: Option<f64>) {
        if let Some(hours) = hours.filter(|&hours| hours != 0.0) {
            *self = Self(self.0 + hours, true);
        }
    }

    /// Adds another sum.
    pub fn add_sum(&mut self, other: Self) {
        *self = Self(self.0 + other.0, self.1 || other.1);
    }

    /// Creates a sum that is a float from the start.
    pub const fn float(value: f64) -> Self {
        Self(value, true)
    }

    /// Returns the value.
    pub const fn value(self) -> f64 {
        self.0
    }

    /// Compares as Python's sorts do: `-0.0` equals `0.0`, and values without an order compare as equal.
    pub fn compare(self, other: Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }

    /// Returns the sum rounded; an integer stays one.
    pub fn rounded(self, digits: usize) -> Self {
        if self.1 { Self(round(self.0, digits), true) } else { self }
    }
}

impl std::iter::Sum for Hours {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        let mut sum = Self::default();
        iter.for_each(|hours| sum.add_sum(hours));
        sum
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1 { serializer.serialize_f64(self.0) } else { serializer.serialize_i64(0) }
    }
}

/// Returns a percentage with one decimal; the integer `0` when `total` is not positive.
pub fn percent(part: f64, total: f64) -> Hours {
    if total > 0.0 { Hours::float(round(part / total * 100.0, 1)) } else { Hours::default() }
}

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

/// Splits a text into words, as `str.split()` does.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// A pattern of SQLite's `LIKE` that may occur anywhere in a text.
///
/// Only ASCII letters are compared without regard to case: `école` is not found in `ÉCOLE`. `%` matches any
/// text and `_` any one character, whether or not the author of the pattern intended it; a backslash is
/// literal.
#[derive(Debug, Clone)]
pub struct Like(Vec<char>);

impl Like {
    /// Returns whether the pattern contains wildcards.
    pub fn has_wildcard(pattern: &str) -> bool {
        pattern.contains(['%', '_'])
    }

    /// Creates the pattern `%pattern%`.
    pub fn containing(pattern: &str) -> Self {
        Self(std::iter::once('%').chain(pattern.chars()).chain(['%']).collect())
    }

    /// Returns whether `text` is like the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut position = 0;
        // Position after the last `%`, and the text position at which it was last tried. Only the last one
        // has to be retried, since any match that an earlier `%` could reach, a later one can reach too.
        let mut retry = None;
        loop {
            let before = rest.clone();
            match (self.0.get(position), rest.next()) {
                (Some('%'), _) => {
                    position += 1;
                    rest = before;
                    retry = Some((position, rest.clone()));
                }
                (Some(&wanted), Some(found)) if wanted == '_' || wanted.eq_ignore_ascii_case(&found) => {
                    position += 1;
                }
                (None, None) => return true,
                _ => {
                    let Some((behind, from)) = &mut retry else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    position = *behind;
                    rest = from.clone();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_round_to_minus_zero_equal_no_hours() {
        let mut little = Hours::default();
        little.add(Some(-0.004));
        assert_eq!(little.rounded(1).compare(Hours::default()), Ordering::Equal);
        assert_eq!(Hours::float(1.5).compare(little), Ordering::Greater);
    }

    #[test]
    fn rounding_matches_python() {
        for (value, digits, expected) in [
            (6.25, 1, 6.2),
            (18.75, 1, 18.8),
            (3.625, 2, 3.62),
            (1.125, 2, 1.12),
            (2.675, 2, 2.67),
            (0.05, 1, 0.1),
        ] {
            assert_eq!(round(value, digits).to_string(), f64::to_string(&expected), "{value}");
        }
    }

    #[test]
    fn a_sum_is_an_integer_until_a_nonzero_value_is_added() {
        let text = |hours: &[Option<f64>]| {
            let mut sum = Hours::default();
            for &hours in hours {
                sum.add(hours);
            }
            serde_json::to_string(&sum).unwrap()
        };
        assert_eq!(text(&[]), "0");
        assert_eq!(text(&[None, Some(0.0)]), "0");
        assert_eq!(text(&[Some(2.0), None]), "2.0");
        assert_eq!(text(&[Some(0.1), Some(0.2)]), "0.30000000000000004");
    }

    #[test]
    fn a_percentage_of_zero_is_the_integer_zero() {
        assert_eq!(serde_json::to_string(&percent(0.0, 0.0)).unwrap(), "0");
        assert_eq!(serde_json::to_string(&percent(0.0, 3.0)).unwrap(), "0.0");
        assert_eq!(serde_json::to_string(&percent(2.0, 3.0)).unwrap(), "66.7");
    }

    #[test]
    fn whitespace_matches_python() {
        assert_eq!(strip(" \x1f\u{a0}\u{3000}a b\x1c\n"), "a b");
        assert_eq!(strip("\u{200b}a"), "\u{200b}a", "a zero width space is not whitespace");
    }

    #[test]
    fn letters_and_numbers_match_python() {
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

    #[test]
    fn like_matches_sqlite() {
        for (pattern, text, expected) in [
            ("data", "Big DATA lab", true),
            ("data", "dat a", false),
            ("", "", true),
            ("", "x", true),
            ("école", "École", false),
            ("école", "l'école", true),
            ("all_levels", "For All Levels", true),
            ("all_levels", "all  levels", false),
            ("a_c", "aéc", true),
            ("100%", "100 percent", true),
            ("a%z", "xx a..b..z yy", true),
            ("a%b%c", "abab", false),
            ("a%b%c", "aXbXbXc", true),
            ("_", "", false),
            ("a_", "za", false),
            ("c\\d", "C\\D", true),
            ("aab", "aaaab", true),
        ] {
            assert_eq!(Like::containing(pattern).matches(text), expected, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn words_are_split_at_every_kind_of_whitespace() {
        let split: Vec<&str> = words("  a\u{a0}b\u{1f}c\n\nd\u{200b}e ").collect();
        assert_eq!(split, ["a", "b", "c", "d\u{200b}e"]);
    }
}
