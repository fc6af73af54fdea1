//! Making values fit to be shown.

use std::borrow::Cow;

/// Longest value that a message repeats.
const SHOWN_CHARS: usize = 200;

/// What stands in for a value that is never shown.
pub(super) const HIDDEN: &str = "(hidden)";

/// A value as a message shows it: one line, bounded, without credentials.
pub(super) fn shown(value: &str) -> String {
    let safe = one_line(&redacted(value));
    match safe.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", safe.get(..end).unwrap_or_default()),
        None => safe,
    }
}

/// Escapes every character that could start a new line, move the cursor or reorder the text around it.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let breaks = matches!(c, '\u{2028}' | '\u{2029}');
        if c.is_control() || reorders || breaks {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Hides the user info and the query of whatever looks like a URL.
///
/// Everything up to the last `@` goes, not only up to the first: an unescaped `@` or `/` in a password must
/// not leave half of it standing.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://").or_else(|| text.split_once(':')) else {
        return Cow::Borrowed(text);
    };
    let separator = if text.contains("://") { "://" } else { ":" };
    let (hidden_user, rest) = match rest.rsplit_once('@') {
        Some((_, host)) => ("…@", host),
        None => ("", rest),
    };
    let (rest, hidden_query) = match rest.find(['?', '#']) {
        Some(at) => (rest.get(..at).unwrap_or_default(), "?…"),
        None => (rest, ""),
    };
    if hidden_user.is_empty() && hidden_query.is_empty() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{scheme}{separator}{hidden_user}{rest}{hidden_query}"))
}
