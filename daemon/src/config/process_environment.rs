//! The environment of the process, read once and passed on so that tests can choose it, and the defaults that
//! depend on it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cached_present::place::Instance;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::system_zone::{SystemZone, guess};

/// Environment, working directory, user and zone of the process.
#[derive(Debug, Clone)]
pub struct ProcessEnvironment {
    /// When the configuration is read: a schedule whose years have passed by then is an error.
    pub now: DateTime<Utc>,
    /// The environment variables. A value that is not UTF-8 carries U+FFFD and is refused where it would be
    /// used.
    pub env: BTreeMap<String, String>,
    /// The directory that relative paths are resolved against.
    pub cwd: PathBuf,
    /// The user id.
    pub uid: u32,
    /// Whose configuration and directories are the default.
    pub instance: Instance,
    /// The system's settings of its time zone.
    pub system_zone: SystemZone,
    /// The file that is read, if it exists, when `--config` names none.
    pub default_file: PathBuf,
}

impl ProcessEnvironment {
    /// Reads the environment of this process, which serves `instance`, at `now`.
    pub fn of_process(now: DateTime<Utc>, instance: Instance) -> Self {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self {
            now,
            env: std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect(),
            cwd: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            // Without procfs the account is treated as a person's, which never writes to system directories.
            uid: std::fs::metadata("/proc/self").map_or(u32::MAX, |me| me.uid()),
            system_zone: SystemZone::read(Path::new("/")),
            default_file: instance.file(),
            instance,
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first absolute directory of a variable; systemd joins several with colons.
    pub(super) fn directory(&self, variable: &str) -> Option<&Path> {
        let first = self.variable(variable)?.split(':').next()?;
        Some(Path::new(first)).filter(|path| path.is_absolute())
    }

    /// Whether the process runs as root.
    pub(super) fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// Absolute form of a path. Symbolic links and `..` stay: resolving them needs the file system.
    pub(super) fn absolute(&self, path: &Path) -> PathBuf {
        self.cwd.join(path).components().collect()
    }
}

/// Path of the state database: systemd's directory, `/var/lib/cached`, or the user's own.
pub(super) fn state_url(environment: &ProcessEnvironment) -> Option<String> {
    environment.instance.state(environment.uid, variable(environment)).map(|dir| text(&dir.join("state.db")))
}

/// Path of the control socket, by the rule that clients use as well.
pub(super) fn socket_path(environment: &ProcessEnvironment) -> Option<String> {
    environment.instance.socket(environment.uid, variable(environment)).map(|socket| text(&socket))
}

fn variable(environment: &ProcessEnvironment) -> impl Fn(&str) -> Option<String> + Copy {
    |name| environment.variable(name).map(str::to_owned)
}

/// Directory of the log file; daemons of ordinary users log to the terminal and the journal only.
pub(super) fn log_dir(environment: &ProcessEnvironment) -> Option<String> {
    let system = || environment.is_root().then(|| environment.instance.below("/var/log/cached"));
    environment.directory("LOGS_DIRECTORY").map(Path::to_owned).or_else(system).map(|dir| text(&dir))
}

/// The zone VMS most likely runs in.
#[expect(clippy::unnecessary_wraps, reason = "every such default may be absent")]
pub(super) fn vms_timezone(environment: &ProcessEnvironment) -> Option<String> {
    Some(guessed_zone(environment).0.name().to_owned())
}

/// The zone VMS most likely runs in, and why that may be wrong.
pub(super) fn guessed_zone(environment: &ProcessEnvironment) -> (Tz, Option<String>) {
    guess(environment.env.get("TZ").map(String::as_str), &environment.system_zone, environment.now)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
