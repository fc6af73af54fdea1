//! What the service manager is told. Without one, nobody listens and nothing fails.

use std::time::Duration;

use cached_proto::text::one_line;
use sd_notify::NotifyState;

use crate::lifecycle::ReloadObserver;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}

/// Clients can connect.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("running")]);
}

/// Hears of reloads, whoever asked for them.
pub(super) struct ServiceManager;

impl ReloadObserver for ServiceManager {
    fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(_) => tell(&[NotifyState::Reloading]),
        }
    }

    fn ready(&self) {
        ready();
    }
}

/// No request is taken any more; the rest takes at most `deadline`.
pub(super) fn stopping(deadline: Duration) {
    let patience = u32::try_from((deadline + Duration::from_secs(10)).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing the refresh in progress"),
        NotifyState::ExtendTimeoutUsec(patience),
    ]);
}

/// Shown by `systemctl status`.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(&one_line(text))]);
}

/// How often the service manager wants to hear that we are alive, with time to spare; none when it does not.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}

/// We are.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}
