//! Accepts connections, and only so many at a time; a client can cost us its connection and nothing else.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use super::write_timeout::WriteTimeout;
use super::{Web, routes};
use crate::rpc::Shutdown;

/// Pause after the system could not give us a connection: it has run out of something.
const RECOVER: Duration = Duration::from_millis(200);

/// Bytes of the first lines of a request, and of what is kept of an answer that is being sent.
const BUFFER: usize = 64 * 1024;

/// Said to a connection that is one too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n\
    Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";

/// How long a client may take, how much it may send, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// For the first lines of a request, counted from the end of the one before.
    pub head: Duration,
    /// For the rest of it.
    pub body: Duration,
    /// For taking the next part of an answer.
    pub write: Duration,
    /// For taking the last answer when the daemon stops.
    pub farewell: Duration,
    /// For a request that waits for the end of its run.
    pub wait: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Of those, the ones that follow what happens; the rest stays free for whoever asks.
    pub followers: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(15),
            write: Duration::from_secs(30),
            farewell: Duration::from_secs(3),
            wait: Duration::from_mins(10),
            connections: 256,
            followers: 64,
            body_bytes: 64 * 1024,
        }
    }
}

/// Why nothing can be served at an address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program does.
    #[error(
        "http.listen is {address}, and another program listens there already; stop that program, set http.listen to \
         another port, or to \"\" for no web page"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refuses it.
    #[error(
        "http.listen is {address}, where this process cannot listen; set it to an address of this machine and a port \
         above 1023, or to \"\" for no web page"
    )]
    Refused {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// An address at which requests arrive.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// The address, with the port that the system chose if it was asked to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Listens; requests wait until they are served.
pub async fn bind(address: SocketAddr) -> Result<Listening, BindError> {
    let sort = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address, source },
        _ => BindError::Refused { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(sort)?;
    let address = listener.local_addr().map_err(sort)?;
    Ok(Listening { listener, address })
}

/// The machine at the other end of the connection, which may be a proxy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves connections until told to stop, and waits for the last answer to be taken. Where nothing is to be served,
/// only waits to be told.
pub(crate) async fn serve(listening: Option<Listening>, web: Web, shutdown: Shutdown) {
    let Some(listening) = listening else { return shutdown.stop.cancelled().await };
    info!("Serving http://{}/management/cache/status", listening.address);
    let limits = *web.limits();
    let router = routes::router(web);
    let conversations = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stop.cancelled() => break,
            accepted = listening.listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !failing {
                    warn!("cannot accept web connections: {error}; is the limit of open files reached?");
                }
                failing = true;
                tokio::time::sleep(RECOVER).await;
                continue;
            }
        };
        failing = false;
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            turn_away(&stream);
            continue;
        };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        conversations.spawn(async move {
            converse(stream, Peer(peer.ip()), router, &limits, &shutdown).await;
            drop(place);
        });
    }
    // So that clients see at once that nobody is there.
    drop(listening);
    conversations.close();
    conversations.wait().await;
}

/// Without waiting: a client that is one too many must not cost anything.
fn turn_away(stream: &TcpStream) {
    if let Err(error) = stream.try_write(FULL) {
        debug!("a web connection that was one too many is closed without a word: {error}");
    }
}

/// Answers one request after the other. Once told to stop, only the one that is being answered; once nothing more can
/// happen, it gets a moment to be taken.
async fn converse<S>(stream: S, peer: Peer, router: Router, limits: &HttpLimits, shutdown: &Shutdown)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(WriteTimeout::new(stream, limits.write)), service)
    );
    let end = tokio::select! {
        end = connection.as_mut() => Some(end),
        () = shutdown.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                end = connection.as_mut() => Some(end),
                () = shutdown.hang_up.cancelled() => timeout(limits.farewell, connection).await.ok(),
            }
        }
    };
    match end {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!("a web connection ended: {}", crate::describe::describe(&error)),
        None => debug!("a web connection is broken off: the daemon stops"),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_costs_its_request_and_tells_nothing() {
        async fn boom() {
            panic!("the secret is 42");
        }
        let router = Router::new()
            .route("/boom", get(boom))
            .layer(CatchPanicLayer::custom(super::super::fault::panicked))
            .route("/fine", get(async || "fine"));
        let (mut near, far) = tokio::io::duplex(4096);
        let peer = Peer(IpAddr::from([127, 0, 0, 1]));
        let served = tokio::spawn(async move {
            converse(far, peer, router, &HttpLimits::default(), &Shutdown::default()).await;
        });
        near.write_all(b"GET /boom HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        near.write_all(b"GET /fine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut told = String::new();
        near.read_to_string(&mut told).await.unwrap();
        served.await.unwrap();
        assert!(told.starts_with("HTTP/1.1 500 ") && told.contains("An internal error occurred"), "{told}");
        assert!(told.contains("HTTP/1.1 200 ") && !told.contains("42"), "{told}");
    }
}
