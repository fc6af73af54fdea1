//! Probes a page of VMS: whether it answers, with which status, and how fast.

use std::time::Duration;

use cached_proto::verb::health::VmsPage;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::{self, Url};
use crate::fetch::{Call, fetch};

/// Shortest time between two requests to VMS, however often the result is requested.
const KEPT: Duration = Duration::from_secs(10);

/// The last answer; holding the lock grants the right to send the next request.
#[derive(Debug, Default)]
pub(crate) struct Probe(Mutex<Option<Answer>>);

#[derive(Debug)]
struct Answer {
    url: Url,
    at: Duration,
    page: VmsPage,
}

impl Probe {
    /// Returns the answer of `vms.probe_url`, which may be up to [`KEPT`] old; none without that key.
    pub(crate) async fn page(&self, config: &config::Vms, clock: &dyn Clock) -> Option<VmsPage> {
        let url = config.probe_url.as_ref()?;
        // Concurrent callers wait here for the same answer.
        let mut last = self.0.lock().await;
        let began = clock.monotonic();
        if let Some(last) = last.as_ref()
            && last.url == *url
            && began.saturating_sub(last.at) < KEPT
        {
            return Some(last.page.clone());
        }
        let answer = fetch(url, Call::Get(""), config.probe_timeout).await;
        let at = clock.monotonic();
        let milliseconds = u64::try_from(at.saturating_sub(began).as_millis()).unwrap_or(u64::MAX);
        let (status, error) = match answer {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let page = VmsPage { url: url.to_string(), status, milliseconds, error };
        *last = Some(Answer { url: url.clone(), at, page: page.clone() });
        Some(page)
    }
}
