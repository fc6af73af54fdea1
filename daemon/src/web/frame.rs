//! What every page is made of: its frame, its sentences, the notice of the form that led to it, and escaping.

use std::fmt;

use askama::Template;
use askama::filters::{Escaper, Html};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html as Page, IntoResponse as _, Response};
use cached_proto::text::one_line;
use serde::Deserialize;

use super::assets;

/// The visitor's rights on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// May view and change.
    All,
    /// May view, and change after logging in again.
    Remembered,
    /// May view.
    View,
}

/// The data that a template needs to render the frame around its content.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    /// The name of the page in the navigation, if it has one.
    pub(super) here: &'static str,
    /// Text that names the visitor; empty on public pages.
    pub(super) who: String,
    pub(super) csrf: String,
    /// Whether a script keeps the page up to date.
    pub(super) is_live: bool,
    pub(super) rights: Rights,
    /// Version of style sheet and script.
    pub(super) assets: &'static str,
    pub(super) version: &'static str,
}

impl Frame {
    /// The frame of a public page.
    pub(super) fn public(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            here: "",
            who: String::new(),
            csrf: String::new(),
            is_live: false,
            rights: Rights::View,
            assets: assets::version(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Whether the visitor sees buttons, even if they are disabled.
    pub(super) fn has_buttons(&self) -> bool {
        self.rights != Rights::View
    }

    /// Whether the visitor has to log in again before the buttons are enabled.
    pub(super) fn is_remembered(&self) -> bool {
        self.rights == Rights::Remembered
    }
}

/// Renders a template as a response.
pub(super) fn shown(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(page) => (status, Page(page)).into_response(),
        Err(error) => {
            tracing::error!("a page cannot be rendered: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The result of a form. It is passed as a code and not as text: a link must not be able to make the page
/// show an arbitrary message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Notice {
    Started,
    Stopped,
    Queued,
    Joined,
    Cancelled,
    CancelledTooLate,
    Retried,
    RetriedTooLate,
    #[serde(other)]
    Unknown,
}

/// The query parameter of pages that forms redirect to.
#[derive(Debug, Deserialize)]
pub(super) struct Noticed {
    pub(super) notice: Option<Notice>,
}

impl Notice {
    const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::Queued => "queued",
            Self::Joined => "joined",
            Self::Cancelled => "cancelled",
            Self::CancelledTooLate => "cancelled_too_late",
            Self::Retried => "retried",
            Self::RetriedTooLate => "retried_too_late",
            Self::Unknown => "unknown",
        }
    }
}

/// Redirects a browser from a form to the page that shows the result; reloading that page repeats nothing.
pub(super) fn back_to(path: &str, notice: Notice) -> Response {
    match HeaderValue::try_from(format!("{path}?notice={}", notice.word())) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prose(String);

/// A part of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Whether the part is to be typed literally.
    pub(super) is_code: bool,
}

impl Prose {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts of the sentence in order, none of them empty. An unpaired backtick is kept as text.
    pub(super) fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut rest = self.0.as_str();
        while let Some((before, (code, after))) =
            rest.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
        {
            pieces.push(Piece { text: before, is_code: false });
            pieces.push(Piece { text: code, is_code: true });
            rest = after;
        }
        pieces.push(Piece { text: rest, is_code: false });
        pieces.retain(|piece| !piece.text.is_empty());
        pieces
    }
}

/// Escapes to text without markup, on one line that reads in one direction: names in VMS's data and errors of
/// libraries may contain anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text;

impl Escaper for Text {
    fn write_escaped_str<W: fmt::Write>(&self, dest: W, string: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &one_line(string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_backticks_becomes_code() {
        for (text, pieces) in [
            ("", &[][..]),
            ("plain", &[("plain", false)]),
            ("`a b` does", &[("a b", true), (" does", false)]),
            ("try `a`, then `b`", &[("try ", false), ("a", true), (", then ", false), ("b", true)]),
            ("a ` b", &[("a ` b", false)]),
            ("`a` ` b", &[("a", true), (" ` b", false)]),
        ] {
            let prose = Prose::new(text);
            let got: Vec<_> = prose.pieces().iter().map(|piece| (piece.text, piece.is_code)).collect();
            assert_eq!(got, pieces, "{text}");
        }
    }

    #[derive(Template)]
    #[template(source = "<b title=\"{{ text }}\">{{ text }}</b>", ext = "html")]
    struct Shown<'a> {
        text: &'a str,
    }

    #[test]
    fn hostile_text_is_escaped_to_one_line() {
        let text = "<script>\"'&\n\u{202e}b\u{2028}";
        let shown = Shown { text }.render().unwrap();
        let escaped = "&#60;script&#62;&#34;&#39;&#38;\\n\\u{202e}b\\u{2028}";
        assert_eq!(shown, format!("<b title=\"{escaped}\">{escaped}</b>"));
    }
}
