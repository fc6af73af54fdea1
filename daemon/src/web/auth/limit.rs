//! Rate limit for failed attempts.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// Failures tolerated at once, and per minute after that.
const PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Clients that are counted individually, about 200 KiB of them. Clients beyond that share one count.
const MOST_CLIENTS: usize = 4096;

/// Counts failures by client.
#[derive(Debug)]
pub(super) struct Limiter(RateLimiter<Client, HashMapStateStore<Client>, Ticks, NoOpMiddleware<Duration>>);

/// The client that a failure is counted for; `None` for those beyond the memory limit.
type Client = Option<IpAddr>;

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(RateLimiter::new(Quota::per_minute(PER_MINUTE), HashMapStateStore::default(), Ticks(clock)))
    }

    /// Counts a failure. Returns an error with the time to wait if there were too many.
    pub(super) fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        if self.0.len() >= MOST_CLIENTS {
            self.0.retain_recent();
        }
        let client = (self.0.len() < MOST_CLIENTS).then(|| client(address));
        self.0.check_key(&client).map_err(|until| until.wait_time_from(self.0.clock().now()))
    }
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

/// The daemon's clock, as the limiter reads it: monotonic, so that setting the wall clock neither lifts nor
/// imposes a limit.
#[derive(Debug)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}
