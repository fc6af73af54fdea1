//! The frame of every page: who is signed in, navigation, and the visitor's rights.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::web::auth::{Visitor, Way};
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;
use crate::web::{Web, assets};

/// The visitor's rights on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// May view and change.
    All,
    /// May view, and change after logging in again.
    Remembered,
    /// May view.
    Look,
}

/// The visitor of a page.
#[derive(Debug)]
pub(in crate::web) struct Visit {
    who: String,
    rights: Rights,
    csrf: String,
}

/// The data that a template needs to render the frame around its content.
#[derive(Debug)]
pub(in crate::web) struct Frame {
    pub(in crate::web) title: String,
    /// The name of the page in the navigation, if it has one.
    pub(in crate::web) here: &'static str,
    /// Text that names the visitor; empty on public pages.
    pub(in crate::web) who: String,
    pub(in crate::web) csrf: String,
    /// Whether a script keeps the page up to date.
    pub(in crate::web) is_live: bool,
    rights: Rights,
    /// Version of style sheet and script.
    pub(in crate::web) assets: &'static str,
    pub(in crate::web) version: &'static str,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, WebFault> {
        let admitted = Admitted::from_request_parts(parts, web).await?;
        let csrf = web.authority().csrf_token(admitted.visitor(), web.service().clock.now());
        Ok(Self::of(admitted.visitor(), csrf))
    }
}

impl Visit {
    fn of(visitor: &Visitor, csrf: String) -> Self {
        let (who, rights) = match visitor {
            Visitor::Admin { how: Way::Open, .. } => ("Viewing without signing in".to_owned(), Rights::Look),
            Visitor::Admin { name, how: Way::Remember, .. } => {
                (format!("Remembered as {name}"), Rights::Remembered)
            }
            Visitor::Admin { name, .. } => (format!("Signed in as {name}"), Rights::All),
            Visitor::Nobody(_) | Visitor::NotAdmin { .. } | Visitor::TooMany { .. } => {
                (String::new(), Rights::Look)
            }
        };
        // A token that its visitor cannot use is left out.
        let csrf = if rights == Rights::All { csrf } else { String::new() };
        Self { who, rights, csrf }
    }

    /// The frame of a page that a script keeps up to date.
    pub(super) fn live(self, title: impl Into<String>, here: &'static str) -> Frame {
        Frame { is_live: true, ..self.still(title, here) }
    }

    /// The frame of a page that is not updated: a form that is being filled in.
    pub(super) fn still(self, title: impl Into<String>, here: &'static str) -> Frame {
        let Self { who, rights, csrf } = self;
        Frame { title: title.into(), here, who, csrf, rights, ..Frame::nobodys("") }
    }
}

impl Frame {
    /// The frame of a public page.
    pub(in crate::web) fn nobodys(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            here: "",
            who: String::new(),
            csrf: String::new(),
            is_live: false,
            rights: Rights::Look,
            assets: assets::version(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Whether the visitor sees buttons, even if they are disabled.
    pub(in crate::web) fn has_buttons(&self) -> bool {
        self.rights != Rights::Look
    }

    /// Whether the visitor has to log in again before the buttons are enabled.
    pub(in crate::web) fn is_remembered(&self) -> bool {
        self.rights == Rights::Remembered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_change_something_sees_buttons() {
        for (how, buttons, remembered, csrf) in [
            (Way::Session, true, false, "t"),
            (Way::Bearer, true, false, "t"),
            (Way::Remember, true, true, ""),
            (Way::Open, false, false, ""),
        ] {
            let visitor = Visitor::Admin { name: "ada".to_owned(), user_id: Some(1), how };
            let frame = Visit::of(&visitor, "t".to_owned()).live("Status", "status");
            let got = (frame.has_buttons(), frame.is_remembered(), frame.csrf.as_str());
            assert_eq!(got, (buttons, remembered, csrf), "{how:?}");
        }
    }
}
