//! What a verb needs from the process environment, read once.

use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cached_present::place::{INSTANCE, Instance};
use cached_proto::client::{Client, Events, Timeouts};
use cached_proto::message::Verb;
use cached_proto::verb::next::NextRequest;
use chrono::{DateTime, NaiveDate, Utc};
use comfy_table::Table;
use serde::Serialize;

use crate::error::{CtlError, Named};
use crate::output::{self, Style, View, Zone, note};
use crate::when::When;

/// Time limit for connecting; a running daemon accepts at once.
const CONNECT: Duration = Duration::from_secs(5);
/// Time limit for an answer: longer than any answer takes that does not require reading whole tables.
pub(crate) const ANSWER: Duration = Duration::from_mins(1);

/// The variable that names the socket.
const VARIABLE: &str = "CACHED_SOCKET";

/// The daemon's socket, and how to render output.
#[derive(Debug)]
pub(crate) struct Context {
    /// The control socket.
    pub socket: PathBuf,
    /// Where its path is from.
    pub named: Named,
    /// Whether to print JSON.
    pub as_json: bool,
    /// How to render on standard output.
    pub view: View,
    /// Whether standard error may show a progress line that is redrawn.
    pub moving: bool,
}

impl Context {
    /// Reads the environment, the terminal and the clock. `socket` and `instance` are flags, of which at most one is
    /// given; a flag beats a variable, and a socket an instance.
    pub(crate) fn of_process(
        socket: Option<PathBuf>,
        instance: Option<Instance>,
        as_json: bool,
    ) -> Result<Self, CtlError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = std::io::stdout().is_terminal();
        let style = Style::decide(is_terminal, variable("NO_COLOR").as_deref(), variable("TERM").as_deref());
        let width = if is_terminal { Table::new().width() } else { None };
        // A path need not be UTF-8; an empty one counts as not given. The variables are none of the parser's: it would take
        // them for arguments that were typed, and show them in the usage of errors as if they were required.
        let path = |path: &PathBuf| !path.as_os_str().is_empty();
        let of_instance = |instance: &Instance| default_socket(uid(), instance, variable, Path::exists);
        let (socket, named) = if let Some(socket) = socket.filter(path) {
            (socket, Named::Flag)
        } else if let Some(instance) = instance {
            (of_instance(&instance), Named::Flag)
        } else if let Some(socket) = std::env::var_os(VARIABLE).map(PathBuf::from).filter(path) {
            (socket, Named::Variable(VARIABLE))
        } else {
            let instance: Instance =
                variable(INSTANCE).unwrap_or_default().parse().map_err(CtlError::Instance)?;
            let named = if instance.name().is_some() { Named::Variable(INSTANCE) } else { Named::Default };
            (of_instance(&instance), named)
        };
        let view = View { now: now(), zone: Zone::Local, width, style };
        Ok(Self { socket, named, as_json, view, moving: std::io::stderr().is_terminal() })
    }

    /// Returns the view at the present instant, for what is shown again and again.
    pub(crate) fn view_now(&self) -> View {
        View { now: now(), width: self.view.width.and_then(|_| Table::new().width()), ..self.view }
    }

    /// Returns the view in the schedule's zone, as `status` and `next` use it, for answers that do not name
    /// that zone. Falls back to this machine's zone when the daemon does not return one.
    pub(crate) async fn zoned(&self) -> View {
        self.in_schedules_zone().await.unwrap_or(self.view)
    }

    async fn in_schedules_zone(&self) -> Result<View, CtlError> {
        Ok(self.view.in_zone(&self.call(NextRequest { count: 1 }).await?.timezone))
    }

    /// Returns the day of a time that was typed, in the schedule's zone.
    pub(crate) async fn day(&self, when: When) -> Result<NaiveDate, CtlError> {
        let day =
            if let When::Day(day) = when { Some(day) } else { self.in_schedules_zone().await?.day(when) };
        day.ok_or(CtlError::OutOfCalendar)
    }

    /// Returns the number of seconds from a time that was typed until now. Days and dates are those of the schedule's
    /// zone, or of this machine's, which is said then, if this client does not know that zone.
    pub(crate) async fn seconds_since(&self, when: When) -> Result<u64, CtlError> {
        if let When::Ago(ago) = when {
            return Ok(ago.as_secs());
        }
        let view = self.in_schedules_zone().await?;
        let since = view.instant(when).ok_or(CtlError::OutOfCalendar)?;
        let at = view.moment(since.into());
        if matches!(view.zone, Zone::Local) {
            note(&format!("note: the zone of the schedule is not known here; this is since {at}"));
        }
        let ago = view.now.signed_duration_since(since).num_milliseconds();
        // Rounded up, because what happened at the very beginning of a day belongs to it.
        let seconds = u64::try_from(ago).map(|milliseconds| milliseconds.div_ceil(1000));
        seconds.map_err(|_| CtlError::InFuture { at })
    }

    /// Sends a request and returns its only answer.
    pub(crate) async fn call<V: Verb>(&self, verb: V) -> Result<V::Reply, CtlError> {
        self.call_within(ANSWER, verb).await
    }

    /// Sends a request whose answer may take as long as `answer`.
    pub(crate) async fn call_within<V: Verb>(&self, answer: Duration, verb: V) -> Result<V::Reply, CtlError> {
        Ok(self.connect(answer).await?.call(verb).await?)
    }

    /// Sends a request, and keeps the connection for the events that follow the answer.
    pub(crate) async fn follow<V: Verb>(&self, verb: V) -> Result<(V::Reply, Events<V::Event>), CtlError> {
        Ok(self.connect(ANSWER).await?.follow(verb).await?)
    }

    /// Prints an answer, as JSON or as `render` words it.
    pub(crate) fn print<T: Serialize>(
        &self,
        answer: &T,
        render: impl FnOnce(&View) -> String,
    ) -> Result<(), CtlError> {
        output::print(&if self.as_json { output::json(answer)? } else { render(&self.view) })
    }

    /// Prints an answer that does not name the zone of the schedule with instants in that zone.
    pub(crate) async fn print_zoned<T: Serialize>(
        &self,
        answer: &T,
        render: impl FnOnce(&View) -> String,
    ) -> Result<(), CtlError> {
        output::print(&if self.as_json { output::json(answer)? } else { render(&self.zoned().await) })
    }

    /// Connects for several requests, one after the other, each with an answer that may take as long as `answer`.
    pub(crate) async fn connect(&self, answer: Duration) -> Result<Client, CtlError> {
        let timeouts = Timeouts { connect: CONNECT, answer };
        Ok(Client::connect(&self.socket, timeouts).await?)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the client takes the time; it passes it on"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Returns the effective user id: the owner of `/proc/self` is the effective user of the process. Without
/// procfs the account is treated as a person's, as in the daemon.
fn uid() -> u32 {
    std::fs::metadata("/proc/self").map_or(u32::MAX, |metadata| metadata.uid())
}

/// Returns the socket of this user's own daemon if it exists, else that of the system's daemon.
fn default_socket(
    uid: u32,
    instance: &Instance,
    variable: impl Fn(&str) -> Option<String>,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    let own = instance.socket(uid, variable).filter(|socket| exists(socket));
    own.unwrap_or_else(|| instance.system_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_the_users_own_if_it_exists_else_that_of_the_system() {
        let (runtime, home) = (Some(("XDG_RUNTIME_DIR", "/run/user/1007")), Some(("HOME", "/home/ada")));
        let (system, north) = ("/run/cached/cached.sock", "/run/cached/north/cached.sock");
        for (instance, uid, set, exists, socket) in [
            ("", 0, runtime, true, system),
            ("", 1007, None, true, system),
            ("", 1007, runtime, false, system),
            ("", 1007, runtime, true, "/run/user/1007/cached.sock"),
            ("", 1007, home, false, system),
            ("", 1007, home, true, "/home/ada/.local/state/cached/cached.sock"),
            ("north", 0, runtime, true, north),
            ("north", 1007, runtime, false, north),
            ("north", 1007, runtime, true, "/run/user/1007/cached/north/cached.sock"),
            ("north", 1007, home, true, "/home/ada/.local/state/cached/north/cached.sock"),
        ] {
            let variable =
                |name: &str| set.filter(|(set, _)| *set == name).map(|(_, value)| value.to_owned());
            let chosen = default_socket(uid, &instance.parse().unwrap(), variable, |_| exists);
            assert_eq!(chosen, Path::new(socket), "{instance:?}, {uid}, {set:?}, exists: {exists}");
        }
    }
}
