//! Default paths of a daemon's files: one rule for the daemon and for its clients.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Accounts below this id belong to the system, not to people.
const FIRST_HUMAN_UID: u32 = 1000;

/// Whether a process runs as root or under a service account.
pub const fn is_system(uid: u32) -> bool {
    uid < FIRST_HUMAN_UID
}

/// The variable that names the instance, as `--instance` does.
pub const INSTANCE: &str = "CACHED_INSTANCE";

/// Longest name: the path of the socket must stay below 108 bytes.
const LONGEST: usize = 64;

/// Which of the daemons of one machine: a name for its configuration file and its directories, and nothing more. The
/// default is the daemon without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance(String);

/// A text that cannot be the name of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInstance;

impl std::fmt::Display for BadInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "must be at most {LONGEST} letters (a-z, A-Z), digits, - and _, and not \"cached\"")
    }
}

impl std::error::Error for BadInstance {}

impl FromStr for Instance {
    type Err = BadInstance;

    /// Parses a name; an empty one stands for the daemon without a name, as an empty variable does elsewhere.
    fn from_str(name: &str) -> Result<Self, BadInstance> {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        // cached.toml is the file of the daemon without a name: both would work on the same database.
        let is_good = is_plain && name.len() <= LONGEST && name != "cached";
        is_good.then(|| Self(name.to_owned())).ok_or(BadInstance)
    }
}

impl Instance {
    /// The name, if it has one.
    pub fn name(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|name| !name.is_empty())
    }

    /// The instance's own directory below one of the daemon without a name.
    pub fn below(&self, directory: impl Into<PathBuf>) -> PathBuf {
        let directory = directory.into();
        self.name().map_or_else(|| directory.clone(), |name| directory.join(name))
    }

    /// What the command lines of `cached` and `cachectl` need to mean this instance: ` --instance NAME`, or nothing.
    pub fn argument(&self) -> String {
        self.name().map(|name| format!(" --instance {name}")).unwrap_or_default()
    }

    /// Its unit, as `systemctl` takes it.
    pub fn unit(&self) -> String {
        self.name().map_or_else(|| "cached".to_owned(), |name| format!("cached@{name}"))
    }

    /// The configuration file that is read when none is named.
    pub fn file(&self) -> PathBuf {
        Path::new("/etc/cached").join(self.name().unwrap_or("cached")).with_extension("toml")
    }

    /// The control socket of a daemon that runs as a system service.
    pub fn system_socket(&self) -> PathBuf {
        self.below("/run/cached").join(SOCKET)
    }

    /// The control socket of the user `uid`; `variable` returns the value of an environment variable. Never below
    /// `/tmp`, where another user could create it first. `None` when the user has no directory to put it into.
    pub fn socket(&self, uid: u32, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let from = |name: &str| directory(&variable(name)?);
        // systemd's directory is the instance's own.
        if let Some(dir) = from("RUNTIME_DIRECTORY") {
            return Some(dir.join(SOCKET));
        }
        if uid == 0 {
            return Some(self.system_socket());
        }
        if let Some(dir) = from("XDG_RUNTIME_DIR") {
            // Programs share this directory.
            let own = if self.name().is_some() { self.below(dir.join("cached")) } else { dir };
            return Some(own.join(SOCKET));
        }
        if is_system(uid) {
            return Some(self.system_socket());
        }
        // Without a home directory, the service's path: a one-shot does not use the socket, so its path must
        // not be required.
        self.state(uid, variable).map(|dir| dir.join(SOCKET)).or_else(|| Some(self.system_socket()))
    }

    /// The directory of the daemon's own database: systemd's, `/var/lib/cached`, or the user's own.
    pub fn state(&self, uid: u32, variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
        let from = |name: &str| directory(&variable(name)?);
        if let Some(dir) = from("STATE_DIRECTORY") {
            return Some(dir);
        }
        if is_system(uid) {
            return Some(self.below("/var/lib/cached"));
        }
        let base = from("XDG_STATE_HOME").or_else(|| Some(from("HOME")?.join(".local/state")));
        base.map(|base| self.below(base.join("cached")))
    }
}

/// The name of the socket in its directory.
const SOCKET: &str = "cached.sock";

/// The first of the directories that a variable names, if it is absolute; systemd joins several with colons.
fn directory(value: &str) -> Option<PathBuf> {
    let first = Path::new(value.split(':').next()?);
    first.is_absolute().then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_digits_hyphens_and_underscores() {
        for name in ["north", "north-2", "North_2", "7", &"x".repeat(64)] {
            assert_eq!(name.parse::<Instance>().unwrap().name(), Some(name));
        }
        assert_eq!("".parse::<Instance>().unwrap().name(), None);
        for name in ["cached", ".", "..", "a/b", "a b", "a.b", "a\n", "é", "%i", &"x".repeat(65)] {
            assert_eq!(name.parse::<Instance>(), Err(BadInstance), "{name:?}");
        }
    }

    #[test]
    fn an_instance_has_a_file_and_directories_of_its_name() {
        let (none, north): (Instance, Instance) = (Instance::default(), "north".parse().unwrap());
        assert_eq!(none.file(), Path::new("/etc/cached/cached.toml"));
        assert_eq!(north.file(), Path::new("/etc/cached/north.toml"));
        let home: &[(&str, &str)] = &[("HOME", "/home/ada")];
        let xdg: &[(&str, &str)] = &[("XDG_RUNTIME_DIR", "/run/user/1007"), ("XDG_STATE_HOME", "/s")];
        let systemd: &[(&str, &str)] =
            &[("STATE_DIRECTORY", "/v/own:/v/more"), ("RUNTIME_DIRECTORY", "/r/own")];
        for (instance, uid, set, state, socket) in [
            (&none, 0, home, "/var/lib/cached", "/run/cached/cached.sock"),
            (&north, 0, home, "/var/lib/cached/north", "/run/cached/north/cached.sock"),
            (&north, 999, &[], "/var/lib/cached/north", "/run/cached/north/cached.sock"),
            (&none, 1007, home, "/home/ada/.local/state/cached", "/home/ada/.local/state/cached/cached.sock"),
            (
                &north,
                1007,
                home,
                "/home/ada/.local/state/cached/north",
                "/home/ada/.local/state/cached/north/cached.sock",
            ),
            (&none, 1007, xdg, "/s/cached", "/run/user/1007/cached.sock"),
            (&north, 1007, xdg, "/s/cached/north", "/run/user/1007/cached/north/cached.sock"),
            // The unit of an instance names its directories, so its name is not added again.
            (&north, 999, systemd, "/v/own", "/r/own/cached.sock"),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
            };
            let found = (instance.state(uid, variable), instance.socket(uid, variable));
            assert_eq!(found, (Some(state.into()), Some(socket.into())), "{instance:?} {uid} {set:?}");
        }
        let nothing = |_: &str| None;
        assert_eq!(
            (none.state(1007, nothing), none.socket(1007, nothing)),
            (None, Some("/run/cached/cached.sock".into()))
        );
    }
}
