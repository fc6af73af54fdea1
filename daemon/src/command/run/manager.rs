//! Notifications to the service manager. Without one they have no effect and never fail.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use cached_proto::text::one_line;
use sd_notify::NotifyState;

use crate::daemon::ReloadObserver;

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = send(states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}

/// Sends a notification, also to a socket without a file (`@name`), which `sd_notify` takes for a path.
fn send(states: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let Some(name) = socket.as_bytes().strip_prefix(b"@") else { return sd_notify::notify(states) };
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    let manager = SocketAddr::from_abstract_name(name)?;
    UnixDatagram::unbound()?.send_to_addr(lines.join("\n").as_bytes(), &manager).map(drop)
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
