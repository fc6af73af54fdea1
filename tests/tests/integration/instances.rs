//! Several daemons on one machine, each with a name: paths of its own, and nothing in common.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use cached_tests::binary::{Ran, cachectl, cached, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use rustix::process::Signal;

/// A machine with the directories that systemd gives the units of the instances.
struct Machine(tempfile::TempDir);

impl Machine {
    fn directory(&self, what: &str, name: &str) -> PathBuf {
        self.0.path().join(what).join(name)
    }

    /// `program` as the unit of the instance starts it.
    fn as_unit(&self, mut program: Command, name: &str) -> Command {
        program
            .env_remove("CACHED_LOG_DIR")
            .env("CACHED_INSTANCE", name)
            .env("CACHED_WATCH_ENABLED", "false");
        for (variable, what) in
            [("STATE_DIRECTORY", "state"), ("LOGS_DIRECTORY", "log"), ("RUNTIME_DIRECTORY", "run")]
        {
            let directory = self.directory(what, name);
            std::fs::create_dir_all(&directory).unwrap();
            program.env(variable, directory);
        }
        program
    }

    fn start(&self, name: &str, vms: &Golden) -> Daemon {
        let mut command = self.as_unit(cached(), name);
        command.args(["run", "--database"]).arg(vms.directory().join("vms.db"));
        Daemon::launch(command, &self.directory("run", name).join("cached.sock"))
    }

    /// `cachectl --instance NAME`, which finds the daemon by its name alone.
    fn ctl(&self, name: &str, arguments: &[&str]) -> Ran {
        let mut command = self.as_unit(cachectl(), name);
        run(command.env_remove("CACHED_INSTANCE").args(["--instance", name]).args(arguments))
    }

    fn has(&self, path: &str) -> bool {
        Path::exists(&self.0.path().join(path))
    }
}

#[test]
fn three_instances_work_side_by_side_and_the_end_of_one_does_not_touch_the_others() {
    let machine = Machine(tempfile::tempdir().unwrap());
    let names = ["north", "south-2", "East_3"];
    let databases = names.map(|_| Golden::unpack("tiny1"));
    let mut daemons: Vec<_> =
        names.iter().zip(&databases).map(|(name, vms)| machine.start(name, vms)).collect();
    for (name, daemon) in names.iter().zip(&daemons) {
        daemon.idle();
        assert_eq!(machine.ctl(name, &["refresh", "--force"]).code, Some(0), "{name}");
        assert!(
            machine.has(&format!("state/{name}/state.db"))
                && machine.has(&format!("log/{name}/cache_manager.log"))
        );
    }

    let others: Vec<_> = daemons.split_off(1);
    let runs = |name: &str| {
        let history = machine.ctl(name, &["history", "--json"]).stdout;
        serde_json::from_str::<serde_json::Value>(&history).unwrap()["runs"].as_array().unwrap().len()
    };
    let before: Vec<_> = names[1..].iter().map(|name| runs(name)).collect();
    for daemon in daemons {
        daemon.signal(Signal::KILL);
        assert_eq!(daemon.stop(), None, "killed");
    }
    assert_eq!(machine.ctl("north", &["ping"]).code, Some(3));
    for (name, (daemon, before)) in names[1..].iter().zip(others.iter().zip(before)) {
        assert_eq!(machine.ctl(name, &["health"]).code, Some(0), "{name}");
        assert_eq!(runs(name), before, "{name}: nothing happened to it");
        assert_eq!(machine.ctl(name, &["refresh", "district", "--force"]).code, Some(0), "{name}");
        let lock = std::fs::read_to_string(machine.directory("state", name).join("state.db.lock")).unwrap();
        assert_eq!(lock.trim(), daemon.pid().to_string(), "{name}: the same process");
    }

    let again = machine.start("north", &databases[0]);
    again.idle();
    assert_eq!(machine.ctl("north", &["health"]).code, Some(0));
}

#[test]
fn a_name_that_could_lead_elsewhere_is_refused() {
    for name in ["../other", "a b", "cached"] {
        for (mut command, verb) in [(cached(), "check"), (cachectl(), "ping")] {
            let ran = run(command.arg(verb).env("CACHED_INSTANCE", name));
            assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
            assert!(ran.stderr.contains("letters (a-z, A-Z), digits, - and _"), "{name}: {ran:?}");
        }
    }
}
