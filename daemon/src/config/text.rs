//! Prepares values for display.

use std::borrow::Cow;

use cached_proto::text::{one_line, truncated};

/// Maximum length of a value that a message repeats, in characters.
const SHOWN_CHARS: usize = 200;

/// Shown in place of a secret value.
pub(super) const HIDDEN: &str = "(hidden)";

/// A value as a message shows it: one line, bounded, without credentials.
pub(super) fn shown(value: &str) -> String {
    let redacted = redacted(value);
    truncated(&one_line(&redacted), SHOWN_CHARS).into_owned()
}

/// Hides the user info and the query of any text that looks like a URL.
///
/// Everything up to the last `@` is hidden, not only up to the first: an unescaped `@` or `/` in a password
/// must not leave half of it visible.
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
