//! Accepts connections, and only so many at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use interprocess::local_socket::tokio::Stream;
use interprocess::local_socket::traits::tokio::Listener as _;

use super::Service;
use super::session;
use super::socket::Bound;
use crate::describe::describe;

/// Connections that are told that there are too many, at the same time; more are closed without a word.
const TURNED_AWAY: usize = 16;

/// Pause after the system could not give us a connection: it has run out of something.
const RECOVER: Duration = Duration::from_millis(200);

/// How long a client may take, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// For its hello.
    pub hello: Duration,
    /// For the rest of a request of which a part has come; at most twice that.
    pub read: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For taking an answer or an event.
    pub write: Duration,
    /// Connections at the same time.
    pub connections: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            read: Duration::from_secs(10),
            idle: Duration::from_mins(5),
            write: Duration::from_secs(30),
            connections: 64,
        }
    }
}

/// The two steps in which connections end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shutdown {
    /// No new connections and no new requests.
    pub(crate) stop: CancellationToken,
    /// No more events either: nothing will happen any more.
    pub(crate) hang_up: CancellationToken,
}

/// Serves connections until told to stop, removes the socket, and waits for the last connection to end.
pub(crate) async fn serve(bound: Bound, service: Arc<Service>, limits: ConnectionLimits, shutdown: Shutdown) {
    let sessions = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let doors = Arc::new(Semaphore::new(TURNED_AWAY));
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stop.cancelled() => break,
            accepted = bound.listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                if !failing {
                    warn!("cannot accept connections: {error}; is the limit of open files reached?");
                }
                failing = true;
                tokio::time::sleep(RECOVER).await;
                continue;
            }
        };
        failing = false;
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let (service, shutdown) = (Arc::clone(&service), shutdown.clone());
            sessions.spawn(async move {
                converse(stream, &service, &limits, &shutdown).await;
                drop(place);
            });
        } else if let Ok(door) = Arc::clone(&doors).try_acquire_owned() {
            sessions.spawn(async move {
                session::turn_away(stream, &limits).await;
                drop(door);
            });
        }
    }
    // Removes the socket, so that clients see at once that nobody is there.
    drop(bound);
    sessions.close();
    sessions.wait().await;
}

async fn converse(stream: Stream, service: &Service, limits: &ConnectionLimits, shutdown: &Shutdown) {
    if let Err(end) = session::serve(stream, service, limits, shutdown).await {
        debug!("a connection to the control socket ended: {}", describe(&end));
    }
}
