//! Extractors for parameters in a request's URL; invalid ones yield a fault like any other.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, PartialSchema as _};

use super::fault::WebFault;

/// The query parameters.
#[derive(Debug, Clone)]
pub(crate) struct Parameters<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebFault> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => Err(WebFault::new(StatusCode::BAD_REQUEST, error.body_text())),
        }
    }
}

/// The number in a path such as `runs/12`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) i64);

/// Describes the parameter in routes that have one.
impl IntoParams for Number {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let id = ParameterBuilder::new()
            .name("id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("Its number."))
            .schema(Some(i64::schema()));
        vec![id.build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = WebFault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebFault> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| WebFault::new(StatusCode::NOT_FOUND, error.body_text()))?;
        let none = || WebFault::new(StatusCode::NOT_FOUND, format!("\"{text}\" is not a number of anything"));
        text.parse().map(Self).map_err(|_| none())
    }
}
