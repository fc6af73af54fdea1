//! The queue of clients that read lists: few are served at a time, a limited number waits, and all others are refused
//! with the time after which to retry. Without it, two hundred readers would have two hundred answers built at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::places::{Place, Places};

/// Answers that are built at the same time: more would take the processors from a refresh.
const SERVED: usize = 2;

/// Readers in the queue, those being served included, and those that have not taken all of their answer.
const QUEUE: usize = 64;

/// Places in the queue that one client may take.
const SHARE: usize = QUEUE / 2;

/// How long a reader waits to be admitted.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// After how long a refused reader should retry.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Whose places in the queue are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// A client of the web interface.
    Address(IpAddr),
    /// A local user, by user id.
    User(u32),
}

/// The queue of readers.
#[derive(Debug)]
pub(crate) struct Readers {
    queue: Arc<Places<Client>>,
    served: Arc<Semaphore>,
    /// How long a reader waits to be admitted.
    max_wait: Duration,
}

/// A reader that is being served, until this is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    _permit: OwnedSemaphorePermit,
    place: Place<Client>,
}

impl Admission {
    /// Admits the next reader, while this one keeps its place in the queue: an answer that it has not taken occupies
    /// memory.
    pub(crate) fn built(self) -> Place<Client> {
        self.place
    }
}

/// Too many other clients are reading at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many other clients are reading at the moment")]
pub(crate) struct Crowded;

impl Default for Readers {
    fn default() -> Self {
        let (queue, served) = (Places::new(QUEUE), Semaphore::new(SERVED));
        Self { queue: Arc::new(queue), served: Arc::new(served), max_wait: MAX_WAIT }
    }
}

impl Readers {
    /// Waits until the client can be served. `privileged` clients may take every place in the queue.
    pub(crate) async fn admit(&self, client: Client, privileged: bool) -> Result<Admission, Crowded> {
        let most = if privileged { QUEUE } else { SHARE };
        let place = self.queue.take(client, most).ok_or(Crowded)?;
        let permit = timeout(self.max_wait, Arc::clone(&self.served).acquire_owned()).await;
        let permit = permit.map_err(|_| Crowded)?.map_err(|_| Crowded)?;
        Ok(Admission { _permit: permit, place })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;

    const ADA: Client = Client::User(1000);
    const ADDRESS: Client = Client::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    #[tokio::test]
    async fn a_reader_that_waited_too_long_is_refused_and_frees_its_place() {
        let readers = Readers { max_wait: Duration::ZERO, ..Readers::default() };
        let served = join_all((0..SERVED).map(|_| readers.admit(ADA, false))).await;
        assert!(served.iter().all(Result::is_ok));
        for _ in 0..2 * QUEUE {
            assert_eq!(readers.admit(ADDRESS, false).await.unwrap_err(), Crowded);
        }
        drop(served);
        readers.admit(ADDRESS, false).await.unwrap();
    }

    #[tokio::test]
    async fn one_client_cannot_take_every_place_in_the_queue() {
        let readers = Readers { max_wait: Duration::MAX, ..Readers::default() };
        let served = join_all((0..SERVED).map(|_| readers.admit(ADA, false))).await;
        let mut waiting: Vec<_> = (0..SHARE - SERVED).map(|_| Box::pin(readers.admit(ADA, false))).collect();
        for reader in &mut waiting {
            assert!(poll!(reader).is_pending());
        }
        assert_eq!(readers.admit(ADA, false).await.unwrap_err(), Crowded, "its share is full");
        let mut other = Box::pin(readers.admit(ADDRESS, false));
        assert!(poll!(&mut other).is_pending(), "it waits, and is not refused");
        let mut root = Box::pin(readers.admit(ADA, true));
        assert!(poll!(&mut root).is_pending(), "and so does a privileged client");
        drop((served, waiting));
        other.await.unwrap();
        root.await.unwrap();
    }
}
