//! The fields of a form, however a browser sends it: our own pages as `application/x-www-form-urlencoded`, VMS's page,
//! which sends its form by script, as `multipart/form-data`.

use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};

use super::fault::WebFault;
use super::wants::{content_type, is_form};

/// Names and values, in their order.
pub(super) type Fields = Vec<(String, String)>;

const HINT: &str = "send a form; api/refresh takes JSON";

/// Reads a form. No body at all is a form without fields.
pub(super) async fn fields(headers: &HeaderMap, body: &Bytes) -> Result<Fields, WebFault> {
    if body.is_empty() {
        return Ok(Fields::new());
    }
    if is_form(headers) {
        return urlencoded(body).await;
    }
    if let Some(boundary) = boundary(content_type(headers)) {
        let broken = || WebFault::new(StatusCode::BAD_REQUEST, "the form cannot be read").hint(HINT);
        return multipart(body, &boundary).ok_or_else(broken);
    }
    let error = "the body is not said to be a form";
    Err(WebFault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error).code("not_a_form").hint(HINT))
}

async fn urlencoded(body: &Bytes) -> Result<Fields, WebFault> {
    let mut request = Request::new(Body::from(body.clone()));
    // It says itself what it is: whether there is a method and which type was named is no concern here.
    *request.method_mut() = axum::http::Method::POST;
    let kind = axum::http::HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    match Form::<Fields>::from_request(request, &()).await {
        Ok(Form(fields)) => Ok(fields),
        Err(error) => Err(WebFault::new(StatusCode::BAD_REQUEST, error.body_text()).hint(HINT)),
    }
}

/// The line between the parts of a `multipart/form-data` body.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    // The longest that there may be.
    boundary.filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// Every part is a field of text; a file is not what any of our forms asks for.
fn multipart(body: &[u8], boundary: &str) -> Option<Fields> {
    let body = std::str::from_utf8(body).ok()?;
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(&between[2..])?;
    let mut fields = Fields::new();
    loop {
        if rest.starts_with("--") {
            return Some(fields);
        }
        let (part, next) = rest.strip_prefix("\r\n")?.split_once(&between)?;
        let (head, value) = part.split_once("\r\n\r\n")?;
        fields.push((name(head)?, value.to_owned()));
        rest = next;
    }
}

/// The name in `Content-Disposition: form-data; name="cache_type"`.
fn name(head: &str) -> Option<String> {
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let mut parameters = disposition.split(';').map(str::trim);
    if !parameters.next()?.eq_ignore_ascii_case("form-data") {
        return None;
    }
    let named = |parameter: &str| Some(parameter.strip_prefix("name=\"")?.strip_suffix('"')?.to_owned());
    let is_file = disposition.contains("filename");
    parameters.find_map(named).filter(|_| !is_file)
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
    async fn both_ways_of_sending_a_form_are_read_alike() {
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
    async fn what_is_no_form_is_refused() {
        let whole = part("cache_type", "all");
        let file = whole.replace("name=", "filename=\"f\"; name=");
        for (kind, body, status) in [
            ("", "cache_type=all", 415),
            ("application/json", "{}", 415),
            ("text/plain", "cache_type=all", 415),
            ("multipart/form-data", whole.as_str(), 415),
            ("multipart/form-data; boundary=", whole.as_str(), 415),
            ("multipart/mixed; boundary=----WebKitFormBoundaryAbC", whole.as_str(), 415),
            (MULTIPART, "x", 400),
            (MULTIPART, whole.as_str(), 400),
            (MULTIPART, &format!("{file}------WebKitFormBoundaryAbC--"), 400),
            (MULTIPART, "------WebKitFormBoundaryAbC\r\n\r\nall\r\n------WebKitFormBoundaryAbC--", 400),
        ] {
            assert_eq!(read(kind, body).await.unwrap_err().as_u16(), status, "{kind} {body}");
        }
    }
}
