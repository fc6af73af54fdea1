//! One HTTP request, of which only the status matters.

use std::sync::Arc;
use std::time::Duration;

use cached_proto::text::one_line;
use tokio::sync::oneshot;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use crate::config::Url;

/// Why there was no answer. The address is not told: it may hold a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// It took too long.
    #[error("there was no answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// No connection, or one that broke; in our own words or the system's.
    #[error("{0}")]
    Unreachable(String),
}

/// What is asked of the receiver.
#[derive(Debug)]
pub(crate) enum Call {
    /// A plain GET, with this behind the path.
    Get(&'static str),
    /// A POST of this JSON.
    Post(String),
}

/// Calls, and returns the status of the answer, whatever it is. Redirects are not followed.
pub(crate) async fn fetch(url: &Url, call: Call, limit: Duration) -> Result<u16, FetchError> {
    let target = url.clone();
    let (tell, told) = oneshot::channel();
    // A thread of its own: unlike one of the runtime's it does not hold up the end of the process.
    let thread = std::thread::Builder::new().name("fetch".to_owned()).spawn(move || {
        // Nobody may listen any more.
        let _ = tell.send(request(&target, call, limit));
    });
    if let Err(error) = thread {
        return Err(FetchError::Unreachable(format!("no thread for it: {error}")));
    }
    match told.await {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(Error::Timeout(_))) => Err(FetchError::TimedOut(limit)),
        Ok(Err(error)) => Err(FetchError::Unreachable(say(&error))),
        Err(_) => Err(FetchError::Unreachable("the request was broken off".to_owned())),
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
        // Elsewhere is not where the secret in the address belongs.
        .max_redirects(0)
        // Nothing is taken from the environment that the configuration does not name.
        .proxy(None)
        .tls_config(tls)
        .build()
        .into();
    let response = match call {
        Call::Get(suffix) => agent.get(with_suffix(url.expose(), suffix)).call()?,
        Call::Post(json) => agent.post(url.expose()).content_type("application/json").send(json)?,
    };
    Ok(response.status().as_u16())
}

/// The address with something behind its path and before its query.
pub(crate) fn with_suffix(url: &str, suffix: &str) -> String {
    let (path, rest) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let path = if suffix.is_empty() { path } else { path.trim_end_matches('/') };
    format!("{path}{suffix}{rest}")
}

/// In words of our own: ureq's repeat the address.
fn say(error: &Error) -> String {
    match error {
        Error::HostNotFound => "there is no such host; check the address and the name server".to_owned(),
        Error::BadUri(_) | Error::Http(_) => "the address is none that can be called; correct it".to_owned(),
        // From the system, or from the check of the certificate, which names hosts at most.
        Error::Io(error) => one_line(&error.to_string()).into_owned(),
        Error::Rustls(error) => one_line(&error.to_string()).into_owned(),
        Error::Tls(what) => (*what).to_owned(),
        Error::Protocol(_) | Error::LargeResponseHeader(..) => {
            "what answers there is no web server".to_owned()
        }
        _ => "the connection failed".to_owned(),
    }
}

/// Host and port, if it is plain what they are: a password with a slash or an `@` in it must not be shown in
/// their place.
pub(crate) fn host(url: &Url) -> String {
    let authority = |text: &str| {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
    };
    let plain = authority(url.expose());
    let host = plain.rsplit('@').next().unwrap_or_default();
    let redacted = authority(&url.to_string());
    if redacted.trim_start_matches("…@") == host { host.to_owned() } else { "the receiver".to_owned() }
}
