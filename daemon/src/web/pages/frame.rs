//! What is around every page: who looks, where else one can go, and what he may do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::web::auth::{Visitor, Way};
use crate::web::fault::WebFault;
use crate::web::gate::Admitted;
use crate::web::{Web, assets};

/// What the visitor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// Look and change.
    All,
    /// Look, and change after logging in again.
    Remembered,
    /// Look.
    Look,
}

/// Somebody who looks at a page.
#[derive(Debug)]
pub(in crate::web) struct Visit {
    who: String,
    rights: Rights,
    csrf: String,
}

/// What a template needs for everything around its own.
#[derive(Debug)]
pub(in crate::web) struct Frame {
    pub(in crate::web) title: String,
    /// The name of the page in the navigation, if it has one.
    pub(in crate::web) here: &'static str,
    /// How the visitor is addressed; empty on pages for everybody.
    pub(in crate::web) who: String,
    pub(in crate::web) csrf: String,
    /// Whether a script keeps the page up to date.
    pub(in crate::web) is_live: bool,
    rights: Rights,
    /// Of style and script.
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
        // A token that its visitor cannot use is nobody's business.
        let csrf = if rights == Rights::All { csrf } else { String::new() };
        Self { who, rights, csrf }
    }

    /// The frame of a page that is kept up to date.
    pub(super) fn live(self, title: impl Into<String>, here: &'static str) -> Frame {
        Frame { is_live: true, ..self.still(title, here) }
    }

    /// The frame of a page that stays as it is: a form that somebody fills in.
    pub(super) fn still(self, title: impl Into<String>, here: &'static str) -> Frame {
        let Self { who, rights, csrf } = self;
        Frame { title: title.into(), here, who, csrf, rights, ..Frame::nobodys("") }
    }
}

impl Frame {
    /// The frame of a page that anybody may see.
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

    /// Whether the visitor sees buttons, be it ones that he cannot press.
    pub(in crate::web) fn has_buttons(&self) -> bool {
        self.rights != Rights::Look
    }

    /// Whether he has to log in again before he can press them.
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
