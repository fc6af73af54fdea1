//! Probes a page of VMS: whether it answers, with which status, and how fast.

use std::time::Duration;

use cached_proto::verb::health::VmsPage;

use crate::clock::Clock;
use crate::config::{self, Url};
use crate::fetch::{Call, fetch};
use crate::single_flight::SingleFlight;

/// Shortest time between two requests to VMS, however often the result is requested.
const KEPT: Duration = Duration::from_secs(10);

/// The last answer, and the page that gave it.
#[derive(Debug, Default)]
pub(crate) struct Probe(SingleFlight<(Url, VmsPage)>);

impl Probe {
    /// Returns the answer of `vms.probe_url`, up to [`KEPT`] old; `None` if the key is not set.
    pub(crate) async fn page(&self, config: &config::Vms, clock: &dyn Clock) -> Option<VmsPage> {
        let url = config.probe_url.as_ref()?;
        let request = async {
            let began = clock.monotonic();
            let answer = fetch(url, Call::Get(""), config.probe_timeout).await;
            let took = clock.monotonic().saturating_sub(began);
            let (status, error) = match answer {
                Ok(status) => (Some(status), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            (url.clone(), VmsPage { url: url.to_string(), status, milliseconds, error })
        };
        let (_, page) = self.0.get(clock, KEPT, |(of, _)| of == url, request).await;
        Some(page)
    }
}
