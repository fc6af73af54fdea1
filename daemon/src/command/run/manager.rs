//! Notifications to the service manager. Without one they have no effect and never fail.

use std::time::Duration;

use cached_proto::text::one_line;
use sd_notify::NotifyState;

use crate::lifecycle::ReloadObserver;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}

/// Reports that clients can connect.
pub(super) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("running")]);
}

/// Reports reloads to the service manager, whatever requested them.
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

/// Reports that no request is accepted any more, and that the rest takes at most `deadline`.
pub(super) fn stopping(deadline: Duration) {
    let patience = u32::try_from((deadline + Duration::from_secs(10)).as_micros()).unwrap_or(u32::MAX);
    tell(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing the refresh in progress"),
        NotifyState::ExtendTimeoutUsec(patience),
    ]);
}

/// Sets the text that `systemctl status` shows.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(&one_line(text))]);
}

/// Returns the interval of watchdog notifications, with time to spare; `None` if the service manager expects
/// none.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}

/// Sends a watchdog notification.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}
