//! What the service's sandbox keeps read-only. `cached check` runs outside of it, where the same files are writable.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cached_proto::text::one_line;

use crate::accounts::Accounts;
use crate::config::{Config, Instance, Origin};
use crate::maintenance::Backups;
use crate::vms::rights::{Identity, quoted};

/// Exists while systemd is the service manager.
const SYSTEMD: &str = "/run/systemd/system";

/// The sandbox of a unit in which everything is read-only but these directories and its own.
#[derive(Debug, PartialEq, Eq)]
struct Sandbox {
    user: String,
    writable: Vec<PathBuf>,
}

/// Describes what is wrong with the sandbox of the unit that reads this configuration, and the commands that mend it.
/// `None` where nothing is, or where no such unit is installed.
pub(super) fn examine(config: &Config) -> Option<String> {
    let instance = config.instance();
    let is_the_units =
        |origin: &Origin| matches!(origin, Origin::File { path, .. } if *path == instance.file());
    if !is_the_units(config.origin("database", "url")) {
        return None;
    }
    let sandbox = Sandbox::of(instance)?;
    let uid = Identity::of_process().uid;
    if uid != 0 && Accounts::local().user(uid) != sandbox.user {
        return None;
    }
    let backups = Backups::configured(&config.maintenance).map(|backups| backups.directory.clone());
    let needed = [config.database.url.as_path().parent().map(Path::to_owned), backups];
    let closed: Vec<PathBuf> =
        needed.into_iter().flatten().filter(|directory| !sandbox.opens(directory)).collect();
    (!closed.is_empty()).then(|| page(&closed, instance))
}

impl Sandbox {
    fn of(instance: &Instance) -> Option<Self> {
        if !Path::new(SYSTEMD).is_dir() {
            return None;
        }
        let properties = "--property=LoadState,User,ProtectSystem,ReadWritePaths";
        let unit = format!("{}.service", instance.unit());
        let shown = Command::new("systemctl").args(["show", properties, &unit]).output().ok()?;
        Self::parse(&String::from_utf8_lossy(&shown.stdout))
    }

    /// Parses the output of `systemctl show`; `None` for a unit that is not installed or that may write everywhere.
    fn parse(shown: &str) -> Option<Self> {
        let value = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        if value("LoadState") != Some("loaded") || value("ProtectSystem") != Some("strict") {
            return None;
        }
        // A `-` allows the directory to be missing, a `+` is for a root directory of the service's own.
        let directory = |word: &str| PathBuf::from(word.trim_start_matches(['-', '+']));
        let writable =
            value("ReadWritePaths").unwrap_or_default().split_whitespace().map(directory).collect();
        Some(Self { user: value("User").unwrap_or_default().to_owned(), writable })
    }

    fn opens(&self, directory: &Path) -> bool {
        // systemd follows links, and does not say how it quotes spaces.
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let directory = real(directory);
        let is_listed = self.writable.iter().any(|listed| directory.starts_with(real(listed)));
        is_listed || directory.to_string_lossy().contains(char::is_whitespace)
    }
}

fn page(closed: &[PathBuf], instance: &Instance) -> String {
    let unit = instance.unit();
    let mut page = String::new();
    // Writing to a String cannot fail.
    for directory in closed {
        let path = one_line(&directory.display().to_string()).into_owned();
        let _ = writeln!(
            page,
            "Wrong: {path} is read-only for {unit}.service, which has no ReadWritePaths= for it"
        );
    }
    let drop_ins = format!("/etc/systemd/system/{unit}.service.d");
    let _ = writeln!(page, "As root:\n  mkdir -p {drop_ins}");
    for directory in closed {
        // In a unit, % begins a specifier.
        let path = quoted(Path::new(&directory.display().to_string().replace('%', "%%")));
        let _ =
            writeln!(page, "  printf '[Service]\\nReadWritePaths=%s\\n' {path} >> {drop_ins}/database.conf");
    }
    let _ = writeln!(page, "  systemctl daemon-reload\n  systemctl try-restart {unit}\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_opens_the_directories_that_the_unit_lists_and_what_is_below_them() {
        let shown =
            "User=cached\nProtectSystem=strict\nReadWritePaths=/srv/vms -/mnt/copies\nLoadState=loaded\n";
        let sandbox = Sandbox::parse(shown).unwrap();
        assert_eq!(sandbox.user, "cached");
        for (directory, is_open) in [
            ("/srv/vms", true),
            ("/srv/vms/instance", true),
            ("/mnt/copies", true),
            ("/srv", false),
            ("/srv/vms2", false),
        ] {
            assert_eq!(sandbox.opens(Path::new(directory)), is_open, "{directory}");
        }
    }

    #[test]
    fn a_unit_that_is_missing_or_may_write_everywhere_has_no_sandbox() {
        for shown in ["", "LoadState=not-found\nProtectSystem=no\n", "LoadState=loaded\nProtectSystem=full\n"]
        {
            assert_eq!(Sandbox::parse(shown), None, "{shown:?}");
        }
    }

    #[test]
    fn the_commands_open_each_closed_directory_to_the_unit_of_the_instance() {
        let page = page(&["/srv/100%/north".into(), "/mnt/copies".into()], &"north".parse().unwrap());
        insta::assert_snapshot!(page, @r"
        Wrong: /srv/100%/north is read-only for cached@north.service, which has no ReadWritePaths= for it
        Wrong: /mnt/copies is read-only for cached@north.service, which has no ReadWritePaths= for it
        As root:
          mkdir -p /etc/systemd/system/cached@north.service.d
          printf '[Service]\nReadWritePaths=%s\n' /srv/100%%/north >> /etc/systemd/system/cached@north.service.d/database.conf
          printf '[Service]\nReadWritePaths=%s\n' /mnt/copies >> /etc/systemd/system/cached@north.service.d/database.conf
          systemctl daemon-reload
          systemctl try-restart cached@north
        ");
    }
}
