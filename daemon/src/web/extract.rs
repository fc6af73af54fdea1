//! The contents of requests: parameters in their URL, and the fields of a form in either encoding. Our own pages send
//! `application/x-www-form-urlencoded`; VMS's page, which sends its form by script, sends `multipart/form-data`.
//! What is not understood yields a fault like any other.

use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, FromRequestParts, Multipart, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use cached_proto::verb::jobs::JobFilter;
use serde::de::DeserializeOwned;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::{IntoParams, PartialSchema as _};

use super::answer::WebFault;
use super::wants::is_form;

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
        let none = || WebFault::new(StatusCode::NOT_FOUND, format!("\"{text}\" is not a number"));
        text.parse().map(Self).map_err(|_| none())
    }
}

/// Parses the name of a job filter.
pub(crate) fn known_filter(filter: Option<&str>) -> Result<JobFilter, WebFault> {
    match filter {
        None | Some("all") => Ok(JobFilter::All),
        Some("failed") => Ok(JobFilter::Failed),
        Some("running") => Ok(JobFilter::Running),
        Some(other) => {
            let error = format!("unknown filter \"{other}\"");
            Err(WebFault::new(StatusCode::BAD_REQUEST, error).hint("use all, failed or running"))
        }
    }
}

/// Names and values in order.
pub(super) type Fields = Vec<(String, String)>;

const HINT: &str = "send a form; api/refresh takes JSON";

/// Reads a form. An empty body is a form without fields.
pub(super) async fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Fields, WebFault> {
    if body.is_empty() {
        return Ok(Fields::new());
    }
    let mut request = Request::new(Body::from(body.clone()));
    // The extractors read the body only with a method that has one.
    *request.method_mut() = Method::POST;
    request.headers_mut().extend(headers.get(CONTENT_TYPE).map(|kind| (CONTENT_TYPE, kind.clone())));
    if is_form(headers) {
        let form = Form::<Fields>::from_request(request, &()).await;
        return form.map(|Form(fields)| fields).map_err(|error| broken(error.body_text()));
    }
    if let Ok(parts) = Multipart::from_request(request, &()).await {
        return texts(parts).await;
    }
    let error = "the content type of the body is not a form";
    Err(WebFault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error).code("not_a_form").hint(HINT))
}

/// Reads all parts as text fields; none of our forms uploads a file.
async fn texts(mut parts: Multipart) -> Result<Fields, WebFault> {
    let mut fields = Fields::new();
    while let Some(part) = parts.next_field().await.map_err(|error| broken(error.body_text()))? {
        let Some(name) = part.name().filter(|_| part.file_name().is_none()).map(ToOwned::to_owned) else {
            return Err(broken("a part of the form is not a field of text"));
        };
        fields.push((name, part.text().await.map_err(|error| broken(error.body_text()))?));
    }
    Ok(fields)
}

fn broken(error: impl AsRef<str>) -> WebFault {
    WebFault::new(StatusCode::BAD_REQUEST, error).hint(HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIPART: &str = "multipart/form-data; boundary=----WebKitFormBoundaryAbC";

    async fn read(kind: &str, body: &str) -> Result<Fields, StatusCode> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        let fields = fields(&headers, &Bytes::copy_from_slice(body.as_bytes())).await;
        fields.map_err(|fault| fault.json().status())
    }

    fn part(name: &str, value: &str) -> String {
        format!(
            "------WebKitFormBoundaryAbC\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    }

    #[tokio::test]
    async fn both_encodings_of_a_form_give_the_same_fields() {
        let expected: Fields = [("cache_type", "district"), ("force", ""), ("a", "x y\r\nz&ä=")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let encoded = "cache_type=district&force=&a=x+y%0D%0Az%26%C3%A4%3D";
        let kind = "application/x-www-form-urlencoded; charset=UTF-8";
        assert_eq!(read(kind, encoded).await.as_ref(), Ok(&expected));
        let parts: String = expected.iter().map(|(name, value)| part(name, value)).collect();
        let body = format!("{parts}------WebKitFormBoundaryAbC--\r\n");
        assert_eq!(read(MULTIPART, &body).await.as_ref(), Ok(&expected));
        let quoted = "Multipart/Form-Data;charset=utf-8; Boundary=\"----WebKitFormBoundaryAbC\"";
        assert_eq!(read(quoted, &body).await.as_ref(), Ok(&expected));
        assert_eq!(read(MULTIPART, "------WebKitFormBoundaryAbC--\r\n").await, Ok(Fields::new()));
        assert_eq!(read("", "").await, Ok(Fields::new()));
    }

    #[tokio::test]
    async fn a_body_that_is_not_a_form_of_text_fields_is_refused() {
        let whole = part("cache_type", "all");
        let file = whole.replace("name=", "filename=\"f\"; name=");
        for (kind, body, status) in [
            ("", "cache_type=all", 415),
            ("application/json", "{}", 415),
            ("text/plain", "cache_type=all", 415),
            ("multipart/form-data", whole.as_str(), 415),
            ("multipart/mixed; boundary=----WebKitFormBoundaryAbC", whole.as_str(), 415),
            (MULTIPART, "x", 400),
            (MULTIPART, whole.as_str(), 400),
            (MULTIPART, &format!("{file}------WebKitFormBoundaryAbC--"), 400),
            (MULTIPART, "------WebKitFormBoundaryAbC\r\n\r\nall\r\n------WebKitFormBoundaryAbC--", 400),
        ] {
            assert_eq!(read(kind, body).await.map_err(|got| got.as_u16()), Err(status), "{kind} {body}");
        }
    }
}
