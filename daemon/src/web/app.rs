//! The state shared by all handlers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::HttpLimits;
use super::auth::{Authority, Users, VmsUsers};
use super::views::Views;
use crate::service::Service;
use crate::state::Lane;

/// The state of the web interface; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: Arc<Service>,
    /// The same with connections of its own to the state database.
    probes: Service,
    authority: watch::Receiver<Arc<Authority>>,
    users: VmsUsers,
    limits: HttpLimits,
    hang_up: CancellationToken,
    views: Views,
    /// Permits for clients that follow events.
    followers: Arc<Semaphore>,
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
        Self(Arc::new(Inner { service, probes, authority, users, limits, hang_up, views, followers }))
    }

    /// The service that the verbs work with.
    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    /// The service for load balancers and monitoring, whom no number of readers may hold up.
    pub(super) fn probes(&self) -> &Service {
        &self.0.probes
    }

    /// The authority that authenticates visitors, as currently configured.
    pub(super) fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.0.authority.borrow())
    }

    /// VMS's users.
    pub(super) fn users(&self) -> &dyn Users {
        &self.0.users
    }

    pub(super) fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    /// Cancelled when nothing will happen any more, which ends everything that waits or streams.
    pub(crate) fn hang_up(&self) -> &CancellationToken {
        &self.0.hang_up
    }

    /// Recently computed views.
    pub(super) fn views(&self) -> &Views {
        &self.0.views
    }

    /// Reserves a permit to follow events, if one is left.
    pub(super) fn follow(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.followers).try_acquire_owned().ok()
    }
}
