//! SQLite's `LIKE '%…%'`.

/// A pattern that may stand anywhere in a text.
///
/// Only the letters of ASCII are compared without regard to case: `école` is not found in `ÉCOLE`. `%` stands
/// for any text and `_` for any one character, whether the author of the pattern meant so or not; a backslash
/// is a backslash.
#[derive(Debug, Clone)]
pub(super) struct Like(Vec<char>);

impl Like {
    /// Whether the pattern is more than a plain text.
    pub(super) fn has_wildcard(pattern: &str) -> bool {
        pattern.contains(['%', '_'])
    }

    /// The pattern `%pattern%`.
    pub(super) fn containing(pattern: &str) -> Self {
        Self(std::iter::once('%').chain(pattern.chars()).chain(['%']).collect())
    }

    /// Whether `text` is like the pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut position = 0;
        // Behind the last `%`, and the text from which on it was last tried: only that one has to be tried
        // again, since whatever an earlier one could reach, a later one can reach too.
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
    fn like_is_sqlites() {
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
}
