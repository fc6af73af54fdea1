//! Who reads lists queues: few are served at a time, a limited number waits, and everybody else is told when to
//! come again. Without that, two hundred readers would have two hundred answers built at once.

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

/// How long a reader waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// When a reader that is turned away may come again.
pub(crate) const COME_AGAIN: Duration = Duration::from_secs(5);

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
    turns: Arc<Semaphore>,
    /// How long a reader waits for its turn.
    patience: Duration,
}

/// The turn of a reader, over once it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    place: Place<Client>,
}

impl Turn {
    /// Lets the next one have its turn, while this reader keeps its place: an answer that it does not take
    /// occupies memory.
    pub(crate) fn built(self) -> Place<Client> {
        self.place
    }
}

/// Too many others read at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many others read at the moment")]
pub(crate) struct Crowded;

impl Default for Readers {
    fn default() -> Self {
        let (queue, turns) = (Places::new(QUEUE), Semaphore::new(SERVED));
        Self { queue: Arc::new(queue), turns: Arc::new(turns), patience: PATIENCE }
    }
}

impl Readers {
    /// Waits for the client's turn. `privileged` clients may take every place in the queue.
    pub(crate) async fn turn(&self, client: Client, privileged: bool) -> Result<Turn, Crowded> {
        let most = if privileged { QUEUE } else { SHARE };
        let place = self.queue.take(client, most).ok_or(Crowded)?;
        let turn = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Crowded)?.map_err(|_| Crowded)?;
        Ok(Turn { _turn: turn, place })
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
    async fn who_waits_in_vain_is_turned_away_and_leaves_no_trace() {
        let readers = Readers { patience: Duration::ZERO, ..Readers::default() };
        let served = join_all((0..SERVED).map(|_| readers.turn(ADA, false))).await;
        assert!(served.iter().all(Result::is_ok));
        for _ in 0..2 * QUEUE {
            assert_eq!(readers.turn(ADDRESS, false).await.unwrap_err(), Crowded);
        }
        drop(served);
        readers.turn(ADDRESS, false).await.unwrap();
    }

    #[tokio::test]
    async fn a_crowd_of_one_leaves_places_in_the_queue_to_others() {
        let readers = Readers { patience: Duration::MAX, ..Readers::default() };
        let served = join_all((0..SERVED).map(|_| readers.turn(ADA, false))).await;
        let mut waiting: Vec<_> = (0..SHARE - SERVED).map(|_| Box::pin(readers.turn(ADA, false))).collect();
        for turn in &mut waiting {
            assert!(poll!(turn).is_pending());
        }
        assert_eq!(readers.turn(ADA, false).await.unwrap_err(), Crowded, "its share is full");
        let mut other = Box::pin(readers.turn(ADDRESS, false));
        assert!(poll!(&mut other).is_pending(), "it waits, and is not turned away");
        let mut root = Box::pin(readers.turn(ADA, true));
        assert!(poll!(&mut root).is_pending(), "nor is who is privileged");
        drop((served, waiting));
        other.await.unwrap();
        root.await.unwrap();
    }
}
