//! Sentences that contain commands, which are always written between backticks.

/// A sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Prose(String);

/// A part of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Piece<'a> {
    pub(in crate::web) text: &'a str,
    /// Whether the part is to be typed literally.
    pub(in crate::web) is_code: bool,
}

impl Prose {
    pub(in crate::web) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(in crate::web) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts of the sentence in order, none of them empty. An unpaired backtick is kept as text.
    pub(in crate::web) fn pieces(&self) -> Vec<Piece<'_>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_out() {
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
}
