//! Pages for people: one file per page, each with a template and the code that fills it.
//!
//! Every page works without a script. Forms are sent with the visitor's token and redirect to a page that
//! shows the result; links lead to what a page mentions. With a script, a page that shows changing data is
//! kept up to date ([`live.js`](../../../assets/live.js)).

pub(super) mod forms;
pub(super) mod jobs;
mod plot;
pub(super) mod run;
pub(super) mod status;
mod verdict;
mod view;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Redirect, Response};

use super::answer::WebFault;
use super::app::Web;
use super::assets;
use super::auth::{Visitor, Way};
use super::frame::{Frame, Rights};
use super::gate::Admitted;

/// The visitor of a page.
#[derive(Debug)]
pub(in crate::web) struct Visit {
    who: String,
    rights: Rights,
    csrf: String,
}

impl FromRequestParts<Web> for Visit {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, WebFault> {
        let admitted = Admitted::from_request_parts(parts, web).await?;
        let csrf = web.authority().csrf_token(admitted.visitor(), web.service.clock.now());
        Ok(Self::of(admitted.visitor(), csrf))
    }
}

impl Visit {
    fn of(visitor: &Visitor, csrf: String) -> Self {
        let (who, rights) = match visitor {
            Visitor::Admin { how: Way::Open, .. } => ("Viewing without signing in".to_owned(), Rights::View),
            Visitor::Admin { name, how: Way::Remember, .. } => {
                (format!("Remembered as {name}"), Rights::Remembered)
            }
            Visitor::Admin { name, .. } => (format!("Signed in as {name}"), Rights::All),
            Visitor::Unauthenticated(_) | Visitor::NotAdmin { .. } | Visitor::TooMany { .. } => {
                (String::new(), Rights::View)
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
        Frame { title: title.into(), here, who, csrf, rights, ..Frame::public("") }
    }
}

/// Redirects to the first page.
pub(super) async fn front() -> Redirect {
    Redirect::to("/management/cache/status")
}

/// Serves an asset without authentication, because error pages, which need the assets, are public.
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, WebFault> {
    let none = || WebFault::new(StatusCode::NOT_FOUND, format!("there is no asset \"{name}\""));
    assets::named(&name, &headers).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_who_may_change_something_sees_buttons() {
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
