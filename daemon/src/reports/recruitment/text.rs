//! Names and the words of a text.

use crate::reports::text::{is_space, strip};
use crate::snapshot::Contact;

/// Splits a text into words, as `str.split()` does.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Returns first and last name, without surrounding whitespace.
pub(super) fn full_name(contact: &Contact) -> String {
    let [first, last] = [&contact.first_name, &contact.last_name].map(|name| name.as_deref().unwrap_or(""));
    strip(&format!("{first} {last}")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_every_kind_of_whitespace() {
        let split: Vec<&str> = words("  a\u{a0}b\u{1f}c\n\nd\u{200b}e ").collect();
        assert_eq!(split, ["a", "b", "c", "d\u{200b}e"]);
    }
}
