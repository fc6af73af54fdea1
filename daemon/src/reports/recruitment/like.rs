//! SQLite's `LIKE '%…%'`.

/// A pattern that may occur anywhere in a text.
///
/// Only ASCII letters are compared without regard to case: `école` is not found in `ÉCOLE`. `%` matches any
/// text and `_` any one character, whether or not the author of the pattern intended it; a backslash is
/// literal.
#[derive(Debug, Clone)]
pub(super) struct Like(Vec<char>);

impl Like {
    /// Returns whether the pattern contains wildcards.
    pub(super) fn has_wildcard(pattern: &str) -> bool {
        pattern.contains(['%', '_'])
    }

    /// Creates the pattern `%pattern%`.
    pub(super) fn containing(pattern: &str) -> Self {
        Self(std::iter::once('%').chain(pattern.chars()).chain(['%']).collect())
    }

    /// Returns whether `text` is like the pattern.
    pub(super) fn matches(&self, text: &str) -> bool {
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
