//! The behaviour of a configuration, tested through `load`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::{Config, ConfigErrors, Instance, ProcessEnvironment};
use crate::cli::Cli;

mod layers;
mod messages;
mod pages;
mod secrets;
mod values;

/// A directory with a configuration file, and the environment of a process that is started there.
pub(super) struct Fixture {
    dir: tempfile::TempDir,
    pub(super) environment: ProcessEnvironment,
}

impl Fixture {
    /// A person's account with nothing in its environment and no configuration file.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let environment = ProcessEnvironment {
            env: BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]),
            cwd: PathBuf::from("/here"),
            uid: 1000,
            now: chrono::DateTime::UNIX_EPOCH,
            instance: Instance::default(),
            system_zone: crate::config::SystemZone::linked("Europe/Vienna"),
            default_file: dir.path().join("cached.toml"),
        };
        Self { dir, environment }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that every user may read.
    pub(super) fn file(self, name: &str, contents: &str) -> Self {
        std::fs::write(self.path(name), contents).unwrap();
        self.mode(name, 0o644)
    }

    pub(super) fn mode(self, name: &str, mode: u32) -> Self {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub(super) fn toml(self, contents: &str) -> Self {
        self.file("cached.toml", contents)
    }

    pub(super) fn env(mut self, variables: &[(&str, &str)]) -> Self {
        self.environment
            .env
            .extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    pub(super) fn load(&self, arguments: &[&str]) -> Result<Config, ConfigErrors> {
        let arguments = ["cached"].into_iter().chain(arguments.iter().copied());
        Config::load(&Cli::try_parse_from(arguments).unwrap().overrides(), &self.environment)
    }

    pub(super) fn load_to_check(&self, arguments: &[&str]) -> Result<(Config, Vec<String>), ConfigErrors> {
        let arguments = ["cached"].into_iter().chain(arguments.iter().copied());
        Config::load_to_check(&Cli::try_parse_from(arguments).unwrap().overrides(), &self.environment)
    }

    /// Loads a configuration that must be valid.
    pub(super) fn config(&self, arguments: &[&str]) -> Config {
        self.load(arguments).unwrap_or_else(|errors| panic!("refused: {errors}"))
    }

    /// Returns the messages of a configuration that must be invalid, with the fixture's directory as `DIR`.
    pub(super) fn errors(&self, arguments: &[&str]) -> Vec<String> {
        let errors = self.load(arguments).expect_err("must be refused").to_string();
        errors.replace(&self.dir.path().display().to_string(), "DIR").lines().map(str::to_owned).collect()
    }
}

/// A valid configuration file with these lines besides the database.
pub(super) fn with_database(lines: &str) -> Fixture {
    Fixture::new().toml(&format!("[database]\nurl = \"/srv/vms.db\"\n{lines}"))
}

/// A value of the configuration as the rendered page shows it.
pub(super) fn shown(config: &Config, section: &str, name: &str) -> String {
    let page: toml::Table = config.render().parse().unwrap();
    page[section][name].to_string()
}

pub(super) fn path(text: &str) -> &Path {
    Path::new(text)
}
