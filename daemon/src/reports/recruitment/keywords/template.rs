//! Texts with placeholders, such as `Frequency ({n}): +{boost}`.

use std::fmt::{Display, Write as _};

use serde::Deserialize;

/// Names that are allowed between braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// Label of an event type.
    Label,
    /// A number of events.
    N,
    /// Keywords found in title, department and industry.
    Hits,
    /// Skills that the event and the volunteer share.
    Skills,
    /// Points.
    Boost,
    /// Id in Salesforce.
    SalesforceId,
}

impl Placeholder {
    const ALL: [Self; 6] = [Self::Label, Self::N, Self::Hits, Self::Skills, Self::Boost, Self::SalesforceId];

    const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::N => "n",
            Self::Hits => "hits",
            Self::Skills => "skills",
            Self::Boost => "boost",
            Self::SalesforceId => "salesforce_id",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A text with placeholders, parsed when it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

/// Reasons why a text is not a valid template.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("{{{0}}} is no placeholder; known are {known}", known = known())]
    Unknown(String),
    #[error("a brace is opened and never closed")]
    Open,
}

fn known() -> String {
    Placeholder::ALL.map(|placeholder| format!("{{{}}}", placeholder.name())).join(", ")
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(TemplateError::Open)?;
            let placeholder = Placeholder::ALL
                .into_iter()
                .find(|placeholder| placeholder.name() == name)
                .ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Placeholder(placeholder));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }
}

impl Template {
    /// Returns whether the text is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the text has only these placeholders.
    pub(super) fn has_only(&self, placeholders: &[Placeholder]) -> bool {
        self.0.iter().all(|piece| match piece {
            Piece::Text(_) => true,
            Piece::Placeholder(placeholder) => placeholders.contains(placeholder),
        })
    }

    /// Returns whether the text has the placeholder.
    pub(super) fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Placeholder(placeholder))
    }

    /// Appends the text with its placeholders filled; one without a value is left out.
    pub(crate) fn fill_into(&self, text: &mut String, values: &[(Placeholder, &dyn Display)]) {
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Placeholder(placeholder) => {
                    if let Some((_, value)) = values.iter().find(|(given, _)| given == placeholder) {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "{value}");
                    }
                }
            }
        }
    }

    /// Returns the text with its placeholders filled.
    pub(crate) fn fill(&self, values: &[(Placeholder, &dyn Display)]) -> String {
        let mut text = String::new();
        self.fill_into(&mut text, values);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let template = Template::try_from("Past {label} event ({n}x)".to_owned()).unwrap();
        assert_eq!(
            template.fill(&[(Placeholder::N, &3), (Placeholder::Label, &"Career {n} Fair")]),
            "Past Career {n} Fair event (3x)"
        );
        assert!(
            template.has_only(&[Placeholder::N, Placeholder::Label]) && !template.has_only(&[Placeholder::N])
        );
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        for (text, message) in [("{points}", "{points} is no placeholder"), ("{n", "never closed")] {
            let error = Template::try_from(text.to_owned()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
