//! Defaults that depend on the user, on systemd's directories and on the system's zone.

use std::path::Path;

use cached_proto::place;
use chrono_tz::Tz;

use super::surroundings::Surroundings;

/// Path of the state database: systemd's directory, `/var/lib/cached`, or the user's own.
pub(super) fn state_url(around: &Surroundings) -> Option<String> {
    place::state(around.uid, variable(around)).map(|dir| text(&dir.join("state.db")))
}

/// Path of the control socket, by the rule that clients use as well.
pub(super) fn socket_path(around: &Surroundings) -> Option<String> {
    place::socket(around.uid, variable(around)).map(|socket| text(&socket))
}

fn variable(around: &Surroundings) -> impl Fn(&str) -> Option<String> + Copy {
    |name| around.variable(name).map(str::to_owned)
}

/// Directory of the log file; daemons of ordinary users log to the terminal and the journal only.
pub(super) fn log_dir(around: &Surroundings) -> Option<String> {
    let system = || around.is_root().then_some(Path::new("/var/log/cached"));
    around.directory("LOGS_DIRECTORY").or_else(system).map(text)
}

/// The zone VMS most likely runs in: `TZ`, else the system's, else UTC.
#[expect(clippy::unnecessary_wraps, reason = "every such default may be absent")]
pub(super) fn vms_timezone(around: &Surroundings) -> Option<String> {
    let known = |zone: &str| zone.parse::<Tz>().ok().map(|zone| zone.name().to_owned());
    let zone = match around.env.get("TZ").map(|tz| tz.trim_start_matches(':')) {
        // The C library treats an empty TZ as UTC.
        Some("") => None,
        Some(tz) => known(tz).or_else(|| around.system_zone.as_deref().and_then(known)),
        None => around.system_zone.as_deref().and_then(known),
    };
    Some(zone.unwrap_or_else(|| "UTC".to_owned()))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
