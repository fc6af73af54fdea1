//! Escaping for everything that pages show.

use std::fmt;

use askama::filters::{Escaper, Html};
use cached_proto::text::one_line;

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
    use askama::Template;

    #[derive(Template)]
    #[template(source = "<b title=\"{{ text }}\">{{ text }}</b>", ext = "html")]
    struct Shown<'a> {
        text: &'a str,
    }

    #[test]
    fn whatever_is_shown_is_text_of_one_line() {
        let text = "<script>\"'&\n\u{202e}b\u{2028}";
        let shown = Shown { text }.render().unwrap();
        let escaped = "&#60;script&#62;&#34;&#39;&#38;\\n\\u{202e}b\\u{2028}";
        assert_eq!(shown, format!("<b title=\"{escaped}\">{escaped}</b>"));
    }
}
