//! The `OpenAPI` document of the API, generated from the routes themselves, so that the description matches
//! what exists.

use cached_proto::verb::jobs::JobFigures;
use serde::Serialize;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Required, Schema};
use utoipa::{Modify, OpenApi, PartialSchema as _, ToSchema};

use super::answer::Problem;

/// What the routes are put into.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "cached",
        description = "The state of VMS's report caches, and requests to refresh them. Every GET also exists as a \
                       HEAD. Keys are stable and only ever added."
    ),
    components(schemas(Problem, Refused, TooMany)),
    modifiers(&Schemes)
)]
struct Frame;

/// Why a visitor is refused; a [`Problem`] with a code where logging in would not be enough.
#[derive(Debug, Serialize, ToSchema)]
struct Refused {
    /// In VMS's words.
    error: String,
}

/// Why no further attempt is checked for now.
#[derive(Debug, Serialize, ToSchema)]
struct TooMany {
    /// Always false.
    success: bool,
    error: TooManyError,
}

#[derive(Debug, Serialize, ToSchema)]
struct TooManyError {
    /// Always `RATE_LIMIT_EXCEEDED`.
    code: String,
    message: String,
}

/// Names of the ways to authenticate.
const BEARER: &str = "bearer";
const API_TOKEN: &str = "api_token";
const SESSION: &str = "session";

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let token = ApiKeyValue::with_description("X-API-Token", "The token of an administrator of VMS.");
        let session = ApiKeyValue::with_description(
            "vms_session",
            "The session of an administrator of VMS. A request that changes something must also come from a page of \
             ours, which browsers send by themselves.",
        );
        let schemes = [
            (BEARER, SecurityScheme::Http(bearer.description(Some("The operator's token.")).build())),
            (API_TOKEN, SecurityScheme::ApiKey(ApiKey::Header(token))),
            (SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session))),
        ];
        let components = document.components.get_or_insert_default();
        for (name, scheme) in schemes {
            components.add_security_scheme(name, scheme);
        }
    }
}

/// A document without routes.
pub(super) fn frame() -> Document {
    Frame::openapi()
}

/// Adds the security requirements of a gate, and its responses when they are not met.
pub(super) fn gated(paths: &mut Paths) {
    let none: [&str; 0] = [];
    for operation in operations(paths) {
        operation.security =
            Some([BEARER, API_TOKEN, SESSION].map(|way| SecurityRequirement::new(way, none)).into());
        may_answer::<Refused>(operation, 401, "The client is not authenticated.");
        may_answer::<Refused>(operation, 403, "The client is not allowed to do this.");
        may_answer::<TooMany>(operation, 429, "Too many attempts with a wrong token.");
        may_answer::<Problem>(operation, 503, "A database does not answer.");
        for status in ["401", "403", "429", "503"] {
            may_be_a_page(operation, status);
        }
        let what = "The client is not authenticated and accepts a page: a redirect to VMS's login, where that is enabled.";
        led_elsewhere(operation, 302, what);
    }
}

/// Adds the responses that any request may get, and describes a job as its JSON is.
pub(super) fn completed(mut document: Document) -> Document {
    flatten_figures(&mut document);
    let paths = document.paths.paths.iter_mut();
    for (_, item) in paths.filter(|(path, _)| path.contains("{id}")) {
        for operation in methods(item) {
            may_answer::<Problem>(operation, 404, "No run or job has that number.");
        }
    }
    for operation in operations(&mut document.paths) {
        for (status, what) in [
            (400, "The request cannot be understood."),
            (408, "The request took too long to arrive."),
            (413, "The request is too large."),
            (421, "The request is for another host."),
            (500, "Something failed here."),
        ] {
            may_answer::<Problem>(operation, status, what);
        }
        for status in ["408", "413", "421"] {
            may_be_a_page(operation, status);
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            body.required = Some(Required::False);
        }
    }
    document
}

/// Puts the keys of a job's figures in the place of the struct that has them.
fn flatten_figures(document: &mut Document) {
    let Some(components) = &mut document.components else { return };
    let Some(RefOr::T(Schema::Object(figures))) = components.schemas.remove(&*JobFigures::name()) else {
        return;
    };
    for schema in components.schemas.values_mut() {
        if let RefOr::T(Schema::Object(carrier)) = schema
            && carrier.properties.remove("figures").is_some()
        {
            carrier.properties.extend(figures.properties.clone());
            let required = std::mem::take(&mut carrier.required).into_iter();
            carrier.required = required
                .flat_map(|key| if key == "figures" { figures.required.clone() } else { vec![key] })
                .collect();
        }
    }
}

fn operations(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(methods)
}

fn methods(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.iter_mut().chain(item.post.iter_mut())
}

/// Adds a response, unless the operation describes that status itself.
fn may_answer<T: ToSchema>(operation: &mut Operation, status: u16, what: &str) {
    let response = || {
        let body = Content::new(Some(Ref::from_schema_name(T::name())));
        ResponseBuilder::new().description(what).content("application/json", body).build().into()
    };
    operation.responses.responses.entry(status.to_string()).or_insert_with(response);
}

/// Adds an HTML page as an alternative, for clients that accept `text/html`.
fn may_be_a_page(operation: &mut Operation, status: &str) {
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
        let page = ContentBuilder::new().schema(Some(String::schema())).build();
        response.content.insert("text/html".to_owned(), page.into());
    }
}

/// Adds a redirect of browsers to another page.
fn led_elsewhere(operation: &mut Operation, status: u16, what: &str) {
    let location = HeaderBuilder::new().schema(Some(String::schema())).description(Some("The page.")).build();
    let response = ResponseBuilder::new().description(what).header("Location", location).build();
    operation.responses.responses.entry(status.to_string()).or_insert_with(|| response.into());
}
