//! Search for terms in an event's words.

/// Returns whether `term` occurs in `text` as VMS understands a word: between single spaces, or at the very
/// beginning or end of the text. Only the space separates words, and the beginning and the end require no
/// separator at all: a text that starts with `ready` contains the word `r`.
pub(super) fn has_word(text: &str, term: &str) -> bool {
    text.starts_with(term) || text.ends_with(term) || text.contains(&format!(" {term} "))
}

/// Returns whether any of `triggers` occurs in `text`, inside a word or not.
pub(super) fn triggered(triggers: &[String], text: &str) -> bool {
    triggers.iter().any(|trigger| text.contains(trigger.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_spaces_or_at_the_ends() {
        for (text, term, expected) in [
            ("learn sql today", "sql", true),
            ("learn sql, today", "sql", false),
            ("learn\nsql today", "sql", false),
            ("learn mysql today", "sql", false),
            ("sqlite for all ", "sql", true),
            ("a talk on mysql", "sql", true),
            ("a talk on mysql ", "sql", false),
            ("a talk on sql ", "sql", true),
            ("ready for work", "r", true),
            ("a b", "b", true),
            ("power bi in power  bi", "power bi", true),
            ("use power  bi now", "power bi", false),
            ("use power bi now", "power bi", true),
            ("aa aa aa", "aa aa", true),
            ("x aa aa y", "aa aa", true),
            (" ", "it", false),
            ("é été é", "été", true),
        ] {
            assert_eq!(has_word(text, term), expected, "{text:?} {term:?}");
        }
    }
}
