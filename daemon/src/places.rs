//! What listeners have in common: a limited number of places that nobody can take all of, and patience when a
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
    /// Returns the accepted connection. Says once that `what` cannot be accepted, and waits a moment each time.
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

/// Places, and who has how many of them.
#[derive(Debug)]
pub(crate) struct Places<K> {
    all: usize,
    /// Who is always left some of the places, however many others want them, and how many.
    kept: Vec<(K, usize)>,
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
        Self::keeping(all, Vec::new())
    }

    pub(crate) fn keeping(all: usize, kept: Vec<(K, usize)>) -> Self {
        Self { all, kept, taken: Mutex::default() }
    }

    /// Takes a place, unless `who` has `most` of them already, or the rest is kept for others.
    pub(crate) fn take(self: &Arc<Self>, who: K, most: usize) -> Option<Place<K>> {
        let mut taken = self.taken();
        let of = |who: &K| taken.get(who).copied().unwrap_or_default();
        let kept: usize = self
            .kept
            .iter()
            .filter(|(other, _)| *other != who)
            .map(|(other, places)| places.saturating_sub(of(other)))
            .sum();
        let is_free = taken.values().sum::<usize>() + kept < self.all;
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
    fn one_gets_a_share_and_leaves_the_rest_to_others() {
        let places = Arc::new(Places::new(5));
        let ada: Vec<_> = std::iter::from_fn(|| places.take("ada", 3)).collect();
        let bob: Vec<_> = std::iter::from_fn(|| places.take("bob", 3)).collect();
        assert_eq!((ada.len(), bob.len()), (3, 2));
        drop(ada);
        assert!(places.take("bob", 3).is_some());
        drop(bob);
        assert!(places.taken().is_empty(), "who has no place is forgotten");
    }

    #[test]
    fn a_place_that_is_kept_for_somebody_goes_to_nobody_else() {
        let places = Arc::new(Places::keeping(6, vec![("root", 2), ("own", 1)]));
        let ada: Vec<_> = std::iter::from_fn(|| places.take("ada", 6)).collect();
        assert_eq!(ada.len(), 3);
        let root: Vec<_> = std::iter::from_fn(|| places.take("root", 6)).collect();
        assert_eq!(root.len(), 2, "and root leaves the daemon's own user its place");
        assert!(places.take("own", 6).is_some());
        drop(ada);
        assert!(places.take("root", 6).is_some(), "beyond what is kept, first come, first served");
    }
}
