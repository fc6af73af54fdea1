//! The state shared by all handlers, and the limits that they keep to.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::auth::Authority;
use super::views::Views;
use crate::service::Service;
use crate::state::Lane;
use crate::vms::users::VmsUsers;

/// Time limits for a client, size limits for its requests, and the number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Time to receive the head of a request, counted from the end of the previous one.
    pub head: Duration,
    /// Time to receive the body.
    pub body: Duration,
    /// Time for the client to accept the next part of a response.
    pub write: Duration,
    /// Time for the client to accept the last response when the daemon stops.
    pub goodbye: Duration,
    /// Time that a request may wait for the end of its run.
    pub wait: Duration,
    /// Number of simultaneous connections.
    pub connections: usize,
    /// Connections among those that one address may have; a trusted proxy may have all.
    pub each: usize,
    /// Further connections, on which only `/health`, `/ready` and `/metrics` are served.
    pub spare: usize,
    /// Connections among those that may follow events; the rest stays free for other requests.
    pub followers: usize,
    /// Most bytes in the body of a request.
    pub body_bytes: usize,
    /// Interval at which a server without new connections renews its heartbeat.
    pub beat: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(15),
            write: Duration::from_secs(30),
            goodbye: Duration::from_secs(3),
            wait: Duration::from_mins(10),
            connections: 512,
            each: 256,
            spare: 32,
            followers: 64,
            body_bytes: 64 * 1024,
            beat: Duration::from_mins(1),
        }
    }
}

/// The state of the web interface; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Web(Arc<Shared>);

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The service that the verbs work with.
    pub(super) service: Arc<Service>,
    /// The same with connections of its own to the state database, for load balancers and monitoring, which must never
    /// wait for other readers.
    pub(super) probes: Service,
    authority: watch::Receiver<Arc<Authority>>,
    /// VMS's users.
    pub(super) users: VmsUsers,
    pub(super) limits: HttpLimits,
    /// Cancelled when no further event can occur, which ends all waiting and streaming requests.
    pub(super) hang_up: CancellationToken,
    /// Recently computed views.
    pub(super) views: Views,
    /// Permits for clients that follow events.
    followers: Arc<Semaphore>,
}

impl Deref for Web {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Web {
    /// `hang_up` ends requests that would otherwise last as long as a run.
    pub(crate) fn new(
        service: Arc<Service>,
        authority: watch::Receiver<Arc<Authority>>,
        limits: HttpLimits,
        hang_up: CancellationToken,
    ) -> Self {
        let users = VmsUsers::new(&service.refresh.borrow().vms);
        let followers = Arc::new(Semaphore::new(limits.followers));
        let (views, probes) = (Views::default(), service.on(Lane::Probes));
        Self(Arc::new(Shared { service, probes, authority, users, limits, hang_up, views, followers }))
    }

    /// The authority that authenticates visitors, as currently configured.
    pub(super) fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.authority.borrow())
    }

    /// Reserves a permit to follow events, if one is left.
    pub(super) fn follow(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.followers).try_acquire_owned().ok()
    }
}
