//! `cached run`: the daemon under a service manager or in a terminal.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use cached_proto::text::one_line;
use futures_util::StreamExt as _;
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;
use tracing::{error, info, warn};

use super::{Exit, refuse};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Overrides, ProcessEnvironment};
use crate::daemon::{Daemon, ProcessHandles, ReloadObserver};
use crate::describe::describe;
use crate::rpc::{ConnectionLimits, Inherited};
use crate::telemetry::{self, Kind, Telemetry};
use crate::web;

/// How long a run in progress may take to end after a stop request. The service manager must wait longer than
/// that.
const DEADLINE: Duration = Duration::from_mins(1);

/// Runs until a stop is requested, or until it cannot continue.
pub async fn run(
    config: Config,
    overrides: &Overrides,
    environment: &ProcessEnvironment,
    inherited: Option<Inherited>,
) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let journal_stream = environment.env.get("JOURNAL_STREAM").map(String::as_str);
    let telemetry = match telemetry::init(&config, Kind::Service, Arc::clone(&clock), journal_stream) {
        Ok(telemetry) => telemetry,
        Err(error) => return refuse(&describe(&error)),
    };
    // Installed before there is anything to stop: from here on no signal kills the process half-way.
    let mut signals = match Signals::new([SIGHUP, SIGINT, SIGTERM]) {
        Ok(signals) => signals,
        Err(error) => return refuse(&format!("signals cannot be received: {error}")),
    };
    info!("cached {} starts, process {}", env!("CARGO_PKG_VERSION"), std::process::id());
    let host = host(overrides, environment, &telemetry, inherited, &clock);
    // The future is large; boxed, it does not enlarge the future of every caller.
    let (limits, web) = (ConnectionLimits::default(), web::HttpLimits::default());
    let started = Box::pin(Daemon::start_with(config, Arc::clone(&clock), limits, web, host));
    let mut daemon = match started.await {
        Ok(daemon) => daemon,
        Err(error) => {
            error!("{}", describe(&error));
            return Exit::NotStarted;
        }
    };
    ready();
    let watchdog = watchdog();
    let exit = loop {
        tokio::select! {
            signal = signals.next() => match signal {
                // The outcome is logged.
                Some(SIGHUP) => drop(daemon.read_again()),
                _ => break Exit::Good,
            },
            failure = daemon.failed() => {
                let failure = describe(&failure);
                error!("{failure}");
                status(&failure);
                break Exit::Failed;
            }
            () = due(clock.as_ref(), watchdog) => if daemon.is_alive().await {
                alive();
            },
        }
    };
    stop(daemon, &mut signals).await;
    exit
}

/// Collects what the daemon gets from this process.
fn host(
    overrides: &Overrides,
    environment: &ProcessEnvironment,
    telemetry: &Telemetry,
    inherited: Option<Inherited>,
    clock: &Arc<dyn Clock>,
) -> ProcessHandles {
    let (overrides, environment, clock) = (overrides.clone(), environment.clone(), Arc::clone(clock));
    let load =
        move || Config::load(&overrides, &ProcessEnvironment { now: clock.now(), ..environment.clone() });
    ProcessHandles {
        load: Some(Box::new(load)),
        telemetry: Some(telemetry.clone()),
        manager: Some(Box::new(ServiceManager)),
        inherited,
        ..ProcessHandles::default()
    }
}

/// Waits until the next watchdog notification is due; forever if the service manager expects none.
async fn due(clock: &dyn Clock, every: Option<Duration>) {
    match every {
        Some(every) => clock.sleep(every).await,
        None => std::future::pending().await,
    }
}

/// Lets the run in progress end, unless that takes too long or a second signal arrives.
async fn stop(daemon: Daemon, signals: &mut Signals) {
    info!("Stopping; a run in progress is finished first, a second signal aborts it");
    stopping(DEADLINE);
    let insisted = async {
        while let Some(signal) = signals.next().await {
            if signal != SIGHUP {
                break;
            }
        }
    };
    let broken_off = "the run in progress is aborted; it starts again at the next start of the daemon";
    tokio::select! {
        stopped = tokio::time::timeout(DEADLINE, daemon.stop()) => match stopped {
            Ok(Ok(())) => info!("Stopped"),
            Ok(Err(error)) => warn!("Stopped, but {}", describe(&error)),
            Err(_) => warn!("After {} seconds {broken_off}", DEADLINE.as_secs()),
        },
        () = insisted => warn!("At a second signal {broken_off}"),
    }
}

/// Notifies the service manager. Without one this has no effect and never fails.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = send(states) {
        tracing::warn!("the service manager cannot be notified: {error}");
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
fn ready() {
    notify(&[NotifyState::Ready, NotifyState::Status("running")]);
}

/// Reports reloads to the service manager, whatever requested them.
struct ServiceManager;

impl ReloadObserver for ServiceManager {
    fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
    }

    fn ready(&self) {
        ready();
    }
}

/// Reports that no request is accepted any more, and that the rest takes at most `deadline`.
fn stopping(deadline: Duration) {
    let extension = u32::try_from((deadline + Duration::from_secs(10)).as_micros()).unwrap_or(u32::MAX);
    notify(&[
        NotifyState::Stopping,
        NotifyState::Status("finishing the run in progress"),
        NotifyState::ExtendTimeoutUsec(extension),
    ]);
}

/// Sets the text that `systemctl status` shows.
fn status(text: &str) {
    notify(&[NotifyState::Status(&one_line(text))]);
}

/// Returns the interval of watchdog notifications, with time to spare; `None` if the service manager expects
/// none.
fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}

/// Sends a watchdog notification.
fn alive() {
    notify(&[NotifyState::Watchdog]);
}
