//! Common parts of the listeners: a limited number of places of which each client gets only a share, and a pause when a
//! connection cannot be accepted.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::warn;

/// Pause after a failed `accept`: the system has run out of some resource.
const RECOVER: Duration = Duration::from_millis(200);

/// Whether the last connection could not be accepted.
#[derive(Debug, Default)]
pub(crate) struct Failing(bool);

impl Failing {
    /// Returns the accepted connection. On an error, pauses, and logs the first of several in a row.
    pub(crate) async fn sort<T>(&mut self, what: &str, accepted: io::Result<T>) -> Option<T> {
        let was_failing = std::mem::replace(&mut self.0, accepted.is_err());
        match accepted {
            Ok(connection) => Some(connection),
            Err(error) => {
                if !was_failing {
                    warn!("cannot accept {what}: {error}; is the limit of open files reached?");
                }
                tokio::time::sleep(RECOVER).await;
                None
            }
        }
    }
}

/// A limited number of places, and how many of them each client has taken.
#[derive(Debug)]
pub(crate) struct Places<K> {
    all: usize,
    /// How many places are reserved for which client, however many others want them.
    reserved: Vec<(K, usize)>,
    taken: Mutex<HashMap<K, usize>>,
}

/// A place, free again once it is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash> {
    places: Arc<Places<K>>,
    who: K,
}

impl<K: Copy + Eq + Hash> Places<K> {
    pub(crate) fn new(all: usize) -> Self {
        Self::with_reserved(all, Vec::new())
    }

    pub(crate) fn with_reserved(all: usize, reserved: Vec<(K, usize)>) -> Self {
        Self { all, reserved, taken: Mutex::default() }
    }

    /// Takes a place, unless `who` has `most` of them already, or the rest is reserved for others.
    pub(crate) fn take(self: &Arc<Self>, who: K, most: usize) -> Option<Place<K>> {
        let mut taken = self.taken();
        let of = |who: &K| taken.get(who).copied().unwrap_or_default();
        let reserved: usize = self
            .reserved
            .iter()
            .filter(|(other, _)| *other != who)
            .map(|(other, places)| places.saturating_sub(of(other)))
            .sum();
        let is_free = taken.values().sum::<usize>() + reserved < self.all;
        if !is_free || of(&who) >= most {
            return None;
        }
        *taken.entry(who).or_default() += 1;
        drop(taken);
        Some(Place { places: Arc::clone(self), who })
    }
}

impl<K> Places<K> {
    fn taken(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(places) = taken.get_mut(&self.who) {
            *places -= 1;
            if *places == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_at_most_its_share_of_the_places() {
        let places = Arc::new(Places::new(5));
        let ada: Vec<_> = std::iter::from_fn(|| places.take("ada", 3)).collect();
        let bob: Vec<_> = std::iter::from_fn(|| places.take("bob", 3)).collect();
        assert_eq!((ada.len(), bob.len()), (3, 2));
        drop(ada);
        assert!(places.take("bob", 3).is_some());
        drop(bob);
        assert!(places.taken().is_empty(), "a client without a place is forgotten");
    }

    #[test]
    fn a_reserved_place_goes_only_to_the_client_it_is_reserved_for() {
        let places = Arc::new(Places::with_reserved(6, vec![("root", 2), ("own", 1)]));
        let ada: Vec<_> = std::iter::from_fn(|| places.take("ada", 6)).collect();
        assert_eq!(ada.len(), 3);
        let root: Vec<_> = std::iter::from_fn(|| places.take("root", 6)).collect();
        assert_eq!(root.len(), 2, "the place of the daemon's own user stays reserved");
        assert!(places.take("own", 6).is_some());
        drop(ada);
        assert!(
            places.take("root", 6).is_some(),
            "places that are not reserved are first come, first served"
        );
    }
}
