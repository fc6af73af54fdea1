//! Accepts connections, up to a limit. No user but root and the daemon's own can take all of them.

use std::sync::{Arc, Weak};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use interprocess::local_socket::traits::tokio::Listener as _;

use super::peer::Peer;
use super::session::{self, ConnectionLimits};
use super::socket::Bound;
use crate::describe::describe;
use crate::heartbeat::Heartbeat;
use crate::places::{Failing, Places};
use crate::service::Service;
use crate::state::StateLock;
use crate::supervise::{Faults, SOCKET, Shutdown};

/// Connections that can be refused with a message at the same time; further ones are closed without one.
const REJECTED: usize = 16;

const ROOT: u32 = 0;

/// Serves connections until shutdown, removes the socket, and waits for the last connection to end. Beats
/// `heartbeat` in every iteration.
pub(crate) async fn serve(
    mut bound: Bound,
    lock: Weak<StateLock>,
    service: Arc<Service>,
    limits: ConnectionLimits,
    shutdown: Shutdown,
    heartbeat: Heartbeat,
) {
    let sessions = TaskTracker::new();
    let mut kept = vec![(ROOT, limits.kept)];
    if service.own_uid != ROOT {
        kept.push((service.own_uid, limits.kept));
    }
    let places = Arc::new(Places::with_reserved(limits.connections, kept));
    let rejections = Arc::new(Semaphore::new(REJECTED));
    let mut failing = Failing::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stop.cancelled() => break,
            accepted = bound.listener.accept() => accepted,
            () = heartbeat.nap(limits.socket_check) => {
                if let Some(lock) = lock.upgrade() {
                    ensure_reachable(&mut bound, &lock, &service.faults).await;
                }
                continue;
            }
        };
        let Some(stream) = failing.sort("connections", accepted).await else { continue };
        let peer = match Peer::of(&stream) {
            Ok(peer) => peer,
            Err(error) => {
                debug!(
                    "a connection to the control socket is closed, because its user cannot be determined: {error}"
                );
                continue;
            }
        };
        let most = if peer.is_privileged(service.own_uid) { limits.connections } else { limits.each };
        if let Some(place) = places.take(peer.uid(), most) {
            let (service, shutdown) = (Arc::clone(&service), shutdown.clone());
            sessions.spawn(async move {
                if let Err(end) = session::serve(stream, peer, &service, &limits, &shutdown).await {
                    debug!("a connection to the control socket ended: {}", describe(&end));
                }
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&rejections).try_acquire_owned() {
            sessions.spawn(async move {
                session::reject(stream, &limits).await;
                drop(place);
            });
        }
    }
    // Removes the socket, so that clients see at once that there is no server.
    bound.close();
    sessions.close();
    sessions.wait().await;
}

/// Makes the socket reachable again if its file is gone, and logs the reason if that fails.
async fn ensure_reachable(bound: &mut Bound, lock: &StateLock, faults: &Faults) {
    if !bound.is_lost() {
        return;
    }
    let path = bound.path().display().to_string();
    match bound.restore(lock).await {
        Ok(()) => {
            faults.clear(SOCKET);
            warn!("The control socket {path} was gone; it has been created again");
        }
        Err(error) => {
            let what = format!("{path} is gone, so no client can connect: {}", describe(&error));
            if faults.set(SOCKET, what.clone()) {
                error!("The control socket is lost, trying again: {what}");
            }
        }
    }
}
