//! The visitor that the gate has admitted.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use crate::service::Caller;
use crate::web::Web;
use crate::web::auth::{Visitor, Way};
use crate::web::fault::WebFault;

/// The visitor that the gate has admitted: an extractor for handlers.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    visitor: Arc<Visitor>,
    may_change: bool,
}

impl Admitted {
    pub(super) fn new(visitor: Visitor, may_change: bool) -> Self {
        Self { visitor: Arc::new(visitor), may_change }
    }

    /// Whether the request would also pass the gate of `Class::Changing`: for handlers that only
    /// view, but may do a little more for a visitor who has that right.
    pub(crate) fn may_change(&self) -> bool {
        self.may_change
    }

    /// The visitor, for the token of a form.
    pub(crate) fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The caller on whose behalf a verb runs.
    pub(crate) fn caller(&self) -> Caller {
        match &*self.visitor {
            Visitor::Admin { how: Way::Bearer, .. } => Caller::Bearer,
            Visitor::Admin { name, how: Way::ApiToken, .. } => Caller::ApiToken(name.clone()),
            Visitor::Admin { name, .. } => Caller::Browser(name.clone()),
            Visitor::Nobody(_) | Visitor::NotAdmin { .. } | Visitor::TooMany { .. } => {
                Caller::Browser("nobody".to_owned())
            }
        }
    }
}

impl FromRequestParts<Web> for Admitted {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, WebFault> {
        let missing = || WebFault::new(StatusCode::INTERNAL_SERVER_ERROR, "this route has no gate");
        parts.extensions.get().cloned().ok_or_else(missing)
    }
}
