//! What the verbs share: everything that a request may read or change, and on whose behalf it is.

use std::fmt;
use std::sync::Arc;

use cached_proto::text::{one_line, truncated};
use cached_proto::verb::health::VmsPage;
use cached_proto::verb::ping::Pong;
use cached_proto::verb::reload::ReloadReply;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::survey::Surveys;
use crate::clock::Clock;
use crate::config::Config;
use crate::jobs::Queue;
use crate::maintenance::Maintenance;
use crate::probe::Probe;
use crate::readers::Readers;
use crate::refresh::RefreshConfig;
use crate::schedule::Schedule;
use crate::state::Lane;
use crate::supervise::Faults;
use crate::telemetry::Logs;

/// Everything that a request may read or change; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: DateTime<Utc>,
    /// The user that the daemon runs as.
    pub(crate) own_uid: u32,
    pub(crate) config: watch::Receiver<Arc<Config>>,
    pub(crate) refresh: watch::Receiver<Arc<RefreshConfig>>,
    pub(crate) schedule: watch::Receiver<Arc<Schedule>>,
    pub(crate) maintenance: Arc<Maintenance>,
    pub(crate) reloader: Arc<dyn Reloads>,
    /// The log of this process, if it keeps one.
    pub(crate) logs: Option<Logs>,
    /// Surveys VMS's tables.
    pub(crate) surveys: Arc<Surveys>,
    /// Requests a page from VMS.
    pub(crate) probe: Arc<Probe>,
    /// The queue of requests that read lists.
    pub(crate) readers: Arc<Readers>,
    /// Parts of the daemon itself that do not work.
    pub(crate) faults: Faults,
}

/// The component that can reload the configuration.
pub(crate) trait Reloads: fmt::Debug + Send + Sync {
    /// Does what a SIGHUP does and returns the result.
    fn reload(&self) -> ReloadReply;
}

impl Service {
    /// The same service, with its reads of the state database in another lane.
    pub(crate) fn on(&self, lane: Lane) -> Self {
        Self { queue: self.queue.on(lane), ..self.clone() }
    }

    /// The beginning of a window that ends now; one that exceeds the range of timestamps means everything.
    pub(crate) fn ago(&self, seconds: u64) -> DateTime<Utc> {
        i64::try_from(seconds)
            .ok()
            .and_then(TimeDelta::try_seconds)
            .and_then(|ago| self.clock.now().checked_sub_signed(ago))
            .unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
    }

    /// The answer to `ping`.
    pub(crate) fn pong(&self) -> Pong {
        Pong {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started.into(),
        }
    }

    /// VMS's response to the probe, if the probe is configured.
    pub(crate) async fn vms_page(&self) -> Option<VmsPage> {
        let config = Arc::clone(&self.config.borrow());
        self.probe.page(&config.vms, self.clock.as_ref()).await
    }

    /// The current schedule.
    pub(crate) fn schedule(&self) -> Arc<Schedule> {
        Arc::clone(&self.schedule.borrow())
    }
}

/// Longer names are cut: they come from VMS's data.
const LONGEST_NAME: usize = 64;

/// The caller of a verb. Authorization happens before a verb sees it: by the session for the socket, by
/// the gate for the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A local user, by user id, through the control socket.
    Local(u32),
    /// An administrator of VMS, by name, in a browser.
    Browser(String),
    /// The holder of an API token of that administrator of VMS.
    ApiToken(String),
    /// The holder of the operator's token.
    Bearer,
}

/// Formats as one line, whatever the name contains: `user 1000`, `web user ada`, `the API token of ada`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &str| one_line(&truncated(name, LONGEST_NAME)).into_owned();
        match self {
            Self::Local(uid) => write!(f, "user {uid}"),
            Self::Browser(name) => write!(f, "web user {}", shown(name)),
            Self::ApiToken(name) => write!(f, "the API token of {}", shown(name)),
            Self::Bearer => f.write_str("the bearer token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_of_a_caller_is_one_line() {
        let long = "a".repeat(500);
        for (caller, shown) in [
            (Caller::Local(1000), "user 1000".to_owned()),
            (Caller::Browser("ada".into()), "web user ada".to_owned()),
            (
                Caller::ApiToken("x\nERROR \u{202e}y".into()),
                r"the API token of x\nERROR \u{202e}y".to_owned(),
            ),
            (Caller::Browser(long), format!("web user {}…", "a".repeat(63))),
        ] {
            assert_eq!(caller.to_string(), shown);
        }
    }
}
