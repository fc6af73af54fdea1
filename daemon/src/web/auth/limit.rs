//! Rate limit for failed attempts.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Failures tolerated at once.
const BURST: u32 = 10;

/// Time after which one more failure is tolerated.
const INTERVAL: Duration = Duration::from_secs(6);

/// Clients that are counted individually, about 200 KiB of them. Clients beyond that share one count.
const MOST_CLIENTS: usize = 4096;

/// Counts failures by client. It can be queried without counting, so that a client with too many failures is refused
/// before VMS's database is read, and a valid credential counts nothing. The clock is read as monotonic time, so that
/// setting the wall clock neither lifts nor imposes a limit.
#[derive(Debug)]
pub(super) struct Limiter {
    clock: Arc<dyn Clock>,
    /// For each client, the instant at which its last failure is forgotten: each one moves it by an interval.
    forgotten: Mutex<HashMap<Client, Duration>>,
}

/// The client that a failure is counted for; `None` for those beyond the memory limit.
type Client = Option<IpAddr>;

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, forgotten: Mutex::default() }
    }

    /// The time until a further failure is tolerated; `None` if one is tolerated now.
    pub(super) fn wait(&self, address: IpAddr) -> Option<Duration> {
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        until_tolerated(forgotten.get(&counted_for(&forgotten, address)).copied()?, self.clock.monotonic())
    }

    /// Counts a failure. Returns an error with the time to wait if there were too many.
    pub(super) fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        let now = self.clock.monotonic();
        let mut forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if forgotten.len() >= MOST_CLIENTS {
            forgotten.retain(|_, until| *until > now);
        }
        let client = counted_for(&forgotten, address);
        let until = forgotten.entry(client).or_default();
        if let Some(wait) = until_tolerated(*until, now) {
            return Err(wait);
        }
        *until = (*until).max(now) + INTERVAL;
        Ok(())
    }
}

fn until_tolerated(forgotten: Duration, now: Duration) -> Option<Duration> {
    let wait = forgotten.saturating_sub(now + INTERVAL * (BURST - 1));
    (!wait.is_zero()).then_some(wait)
}

/// The client that failures of an address are counted for.
fn counted_for(forgotten: &HashMap<Client, Duration>, address: IpAddr) -> Client {
    let own = Some(client(address));
    own.filter(|_| forgotten.contains_key(&own) || forgotten.len() < MOST_CLIENTS)
}

/// An IPv6 customer has at least 2^64 addresses, which count as one client.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
