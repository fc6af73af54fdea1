//! Accepts connections up to a limit, and fewer from one address; a client can affect only its own connection. Beyond
//! the limit there are spare connections, which serve load balancers and monitoring only.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tokio_util::task::TaskTracker;
use tracing::{debug, info};

use super::app::{HttpLimits, Web};
use super::auth::Peer;
use super::layers::{Spare, bare};
use super::routes;
use crate::heartbeat::Heartbeat;
use crate::places::{Failing, Places};
use crate::readers::RETRY_INTERVAL;
use crate::supervise::Shutdown;

/// Time to receive the head of a request on a spare connection: probes send theirs at once.
const SPARE_HEAD: Duration = Duration::from_secs(2);

/// Bytes buffered of a request's head, and of a response that is being sent.
const BUFFER: usize = 64 * 1024;

/// Why the server cannot listen at an address.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum BindError {
    /// Another program listens there.
    #[error(
        "http.listen is {address}, and another program listens there already; stop that program, set http.listen to \
         another port, or to \"\" for no web page"
    )]
    InUse { address: SocketAddr, source: io::Error },
    /// The system refuses to listen.
    #[error(
        "http.listen is {address}, where this process cannot listen; set it to an address of this machine and a port \
         above 1023, or to \"\" for no web page"
    )]
    Refused { address: SocketAddr, source: io::Error },
}

/// A bound address that accepts requests.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// The address, with the port chosen by the system if port 0 was configured.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Starts listening; requests wait until they are served.
pub async fn bind(address: SocketAddr) -> Result<Listening, BindError> {
    let sort = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, source },
        _ => BindError::Refused { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(sort)?;
    let address = listener.local_addr().map_err(sort)?;
    Ok(Listening { listener, address })
}

/// Serves connections until shutdown, and waits for the client to accept the last response. Beats `heartbeat`
/// in every iteration.
pub(crate) async fn serve(listening: Listening, web: Web, shutdown: Shutdown, heartbeat: Heartbeat) {
    info!("Serving http://{}/management/cache/status", listening.address);
    let limits = web.limits;
    let router = routes::router(web.clone());
    let connections = TaskTracker::new();
    let places = Arc::new(Places::new(limits.connections));
    let spare = Arc::new(Semaphore::new(limits.spare));
    let seconds = RETRY_INTERVAL.as_secs().to_string();
    let full = bare("503 Service Unavailable", (RETRY_AFTER, &seconds));
    let mut failing = Failing::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stop.cancelled() => break,
            accepted = listening.listener.accept() => accepted,
            () = heartbeat.nap(limits.beat) => continue,
        };
        let Some((stream, peer)) = failing.sort("web connections", accepted).await else { continue };
        let (router, shutdown, peer) = (router.clone(), shutdown.clone(), Peer(peer.ip()));
        let most = if web.authority().is_proxy(peer.0) { limits.connections } else { limits.each };
        if let Some(place) = places.take(peer.0.to_canonical(), most) {
            connections.spawn(async move {
                serve_connection(stream, peer, None, router, &limits, &shutdown).await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&spare).try_acquire_owned() {
            connections.spawn(async move {
                serve_connection(stream, peer, Some(Spare), router, &limits, &shutdown).await;
                drop(place);
            });
        } else {
            reject(&stream, &full);
        }
    }
    // Closed now, so that clients see at once that there is no server.
    drop(listening);
    connections.close();
    connections.wait().await;
}

/// Refuses a connection without waiting: one beyond the limit must not cost anything.
fn reject(stream: &TcpStream, response: &[u8]) {
    if let Err(error) = stream.try_write(response) {
        debug!("a web connection beyond the limit is closed without an answer: {error}");
    }
}

/// Answers requests one after the other, on a spare connection only one. After `stop`, only the current one is
/// completed; after `hang_up`, the client has a short time to accept the response.
async fn serve_connection<S>(
    stream: S,
    peer: Peer,
    spare: Option<Spare>,
    router: Router,
    limits: &HttpLimits,
    shutdown: &Shutdown,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        if let Some(spare) = spare {
            request.extensions_mut().insert(spare);
        }
        router.call(request)
    });
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.write));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(spare.map_or(limits.head, |_| limits.head.min(SPARE_HEAD)))
            .keep_alive(spare.is_none())
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
    );
    let end = tokio::select! {
        end = connection.as_mut() => Some(end),
        () = shutdown.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                end = connection.as_mut() => Some(end),
                () = shutdown.hang_up.cancelled() => timeout(limits.goodbye, connection).await.ok(),
            }
        }
    };
    match end {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!("a web connection ended: {}", crate::describe::describe(&error)),
        None => debug!("a web connection is aborted: the daemon is stopping"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_answers_500_without_its_message_and_the_connection_goes_on() {
        async fn boom() {
            panic!("the secret is hunter2");
        }
        let router = Router::new()
            .route("/boom", get(boom))
            .layer(CatchPanicLayer::custom(super::super::layers::panicked))
            .route("/fine", get(async || "fine"));
        let (mut near, far) = tokio::io::duplex(4096);
        let peer = Peer(IpAddr::from([127, 0, 0, 1]));
        let served = tokio::spawn(async move {
            serve_connection(far, peer, None, router, &HttpLimits::default(), &Shutdown::default()).await;
        });
        near.write_all(b"GET /boom HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        near.write_all(b"GET /fine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut received = String::new();
        near.read_to_string(&mut received).await.unwrap();
        served.await.unwrap();
        assert!(
            received.starts_with("HTTP/1.1 500 ") && received.contains("An internal error occurred"),
            "{received}"
        );
        assert!(received.contains("HTTP/1.1 200 ") && !received.contains("hunter2"), "{received}");
    }

    #[tokio::test]
    async fn a_reader_that_stops_reading_is_disconnected() {
        let router = Router::new().route("/", get(async || "x".repeat(1 << 20)));
        let (mut near, far) = tokio::io::duplex(64);
        near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let peer = Peer(IpAddr::from([127, 0, 0, 1]));
        let limits = HttpLimits { write: Duration::from_millis(20), ..HttpLimits::default() };
        serve_connection(far, peer, None, router, &limits, &Shutdown::default()).await;
        let mut received = Vec::new();
        near.read_to_end(&mut received).await.unwrap();
        assert!(received.starts_with(b"HTTP/1.1 200 ") && received.len() < 1 << 20, "{}", received.len());
    }
}
