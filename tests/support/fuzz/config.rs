//! The configuration file.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cached::config::{Config, Overrides, ProcessEnvironment, SystemZone};
use chrono::DateTime;
use tempfile::TempDir;

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().unwrap();
}

/// A file that is accepted prints as one that means the same; one that is not has a reason in each line.
pub(super) fn check(bytes: &[u8]) {
    DIRECTORY.with(|directory| {
        let file = directory.path().join("cached.toml");
        match load(&file, bytes) {
            Ok(config) => {
                let page = config.render();
                // What is hidden cannot be read back.
                let open = page.replace("\"(hidden)\"", "\"\"");
                let again = load(&file, open.as_bytes()).expect("what it prints is refused");
                assert_eq!(values(&again.render()), values(&open), "it prints as something else");
            }
            Err(errors) => {
                assert_eq!(errors.lines().count(), errors.lines().filter(|line| !line.is_empty()).count());
                assert!(!errors.is_empty());
            }
        }
    });
}

fn load(file: &Path, text: &[u8]) -> Result<Config, String> {
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let environment = ProcessEnvironment {
        env: BTreeMap::new(),
        cwd: "/nowhere".into(),
        uid: 1000,
        now: DateTime::UNIX_EPOCH,
        system_zone: SystemZone::linked("Europe/Vienna"),
        default_file: file.to_owned(),
    };
    let mut overrides = Overrides::default();
    overrides.set("--database", "database", "url", "/srv/vms.db");
    overrides.set("--state", "state", "url", "/srv/state.db");
    overrides.set("--socket", "socket", "path", "/srv/cached.sock");
    Config::load(&overrides, &environment).map_err(|errors| errors.to_string())
}

/// The page as values, without the comments that say where each came from.
fn values(page: &str) -> toml::Table {
    page.parse().unwrap()
}
