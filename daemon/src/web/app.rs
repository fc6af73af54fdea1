//! What handlers work with.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::auth::{Authority, Users, VmsUsers};
use super::metrics::Scrape;
use super::probes::Readiness;
use crate::rpc::Service;

/// The state of the web side; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: Arc<Service>,
    authority: watch::Receiver<Arc<Authority>>,
    users: VmsUsers,
    limits: Limits,
    hang_up: CancellationToken,
    /// The last look for `/ready`, with the monotonic instant at which it was taken.
    readiness: Mutex<Option<(Duration, Readiness)>>,
    /// The last answer of `/metrics`.
    scrape: Mutex<Option<Scrape>>,
}

impl Web {
    /// `hang_up` ends what would go on as long as a run does.
    pub(crate) fn new(
        service: Arc<Service>,
        authority: watch::Receiver<Arc<Authority>>,
        limits: Limits,
        hang_up: CancellationToken,
    ) -> Self {
        let users = VmsUsers::new(service.refresh.borrow().database.clone());
        let readiness = Mutex::default();
        Self(Arc::new(Inner {
            service,
            authority,
            users,
            limits,
            hang_up,
            readiness,
            scrape: Mutex::default(),
        }))
    }

    /// What the verbs work with.
    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    /// Who says who a visitor is, as configured now.
    pub(super) fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.0.authority.borrow())
    }

    /// VMS's users.
    pub(super) fn users(&self) -> &dyn Users {
        &self.0.users
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Cancelled when nothing will happen any more: whatever waits or streams then ends.
    pub(crate) fn hang_up(&self) -> &CancellationToken {
        &self.0.hang_up
    }

    pub(super) fn readiness(&self) -> &Mutex<Option<(Duration, Readiness)>> {
        &self.0.readiness
    }

    pub(super) fn scrape(&self) -> &Mutex<Option<Scrape>> {
        &self.0.scrape
    }
}
