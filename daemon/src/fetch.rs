//! Sends one HTTP request and returns only the response status.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cached_proto::text::one_line;
use percent_encoding::percent_decode_str;
use tokio::sync::oneshot;
use ureq::http::header::AUTHORIZATION;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use crate::config::Url;

/// Why there was no response. Messages omit the address, which may contain a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The time limit was exceeded.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The connection failed or was lost; the text is the daemon's or the operating system's.
    #[error("{0}")]
    Unreachable(String),
}

/// The request to send.
#[derive(Debug)]
pub(crate) enum Call {
    /// A GET request, with this suffix appended to the path.
    Get(&'static str),
    /// A POST request with this content.
    Post(Content),
}

/// What a POST request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    /// Further headers; their values are ASCII.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Sends the request and returns the status of the response, whatever it is. Redirects are not followed.
pub(crate) async fn fetch(url: &Url, call: Call, limit: Duration) -> Result<u16, FetchError> {
    let target = url.clone();
    let (sender, receiver) = oneshot::channel();
    // A separate thread: unlike a blocking thread of the runtime, it does not delay the end of the process.
    let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(move || {
        // The receiver may have been dropped.
        let _ = sender.send(request(&target, call, limit));
    });
    if let Err(error) = thread {
        return Err(FetchError::Unreachable(format!("cannot start a thread for the request: {error}")));
    }
    match receiver.await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(Error::Timeout(_))) => Err(FetchError::TimedOut(limit)),
        Ok(Err(error)) => Err(FetchError::Unreachable(in_our_words(&error))),
        Err(_) => Err(FetchError::Unreachable("the request was aborted".to_owned())),
    }
}

fn request(url: &Url, call: Call, limit: Duration) -> Result<u16, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(limit))
        .user_agent(concat!("cached/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        // A redirect would send the secret in the address to another server.
        .max_redirects(0)
        // The environment must not override the configuration.
        .proxy(None)
        .tls_config(tls)
        .build()
        .into();
    let authorization = authorization(url.expose());
    let response = match call {
        Call::Get(suffix) => {
            let mut request = agent.get(with_suffix(url.expose(), suffix));
            if let Some(value) = authorization {
                request = request.header(AUTHORIZATION, value);
            }
            request.call()?
        }
        Call::Post(content) => {
            let mut request = agent.post(url.expose()).content_type(content.media_type);
            for (name, value) in content.headers {
                request = request.header(name, value);
            }
            if let Some(value) = authorization {
                request = request.header(AUTHORIZATION, value);
            }
            request.send(content.body)?
        }
    };
    Ok(response.status().as_u16())
}

/// The authorization header for the user info of an address, if it has any. ureq would send its own, but
/// without decoding the user info first, in which `@`, `:` and `/` of a password are escaped.
fn authorization(url: &str) -> Option<String> {
    let user_info = authority(url).rsplit_once('@')?.0;
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut credentials: Vec<u8> = percent_decode_str(user).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(password));
    Some(format!("Basic {}", BASE64.encode(credentials)))
}

/// The part between scheme and path.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Inserts a suffix between the path and the query of an address.
pub(crate) fn with_suffix(url: &str, suffix: &str) -> String {
    let (path, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let path = if suffix.is_empty() { path } else { path.trim_end_matches('/') };
    format!("{path}{suffix}{rest}")
}

/// Describes an error in the daemon's words, because ureq's messages repeat the address.
fn in_our_words(error: &Error) -> String {
    match error {
        Error::HostNotFound => {
            "the host name cannot be resolved; check the address and the name server".to_owned()
        }
        Error::BadUri(_) | Error::Http(_) => "the address is not valid; correct it".to_owned(),
        // From the operating system or the certificate check; they contain at most host names.
        Error::Io(error) => one_line(&error.to_string()).into_owned(),
        Error::Rustls(error) => one_line(&error.to_string()).into_owned(),
        Error::Tls(what) => (*what).to_owned(),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => {
            "the server does not speak HTTP; check the address and port".to_owned()
        }
        _ => "the connection failed".to_owned(),
    }
}

/// Host and port, if they can be determined reliably: a password with a slash or an `@` in it must not be
/// shown in their place.
pub(crate) fn host(url: &Url) -> String {
    let host = authority(url.expose()).rsplit('@').next().unwrap_or_default();
    let redacted = url.to_string();
    let plain = authority(&redacted).trim_start_matches("…@");
    if plain == host { host.to_owned() } else { "the receiver".to_owned() }
}
