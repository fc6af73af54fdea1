//! The disk of the state database is full.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use cached_tests::binary::{cachectl, cached, ran, run};
use cached_tests::wait;
use rustix::fs::{FallocateFlags, fallocate, statvfs};

use super::file_limit;
use super::mounts::{Disk, private};
use super::scene::{PERSISTENT, QUIET, Scene, await_reason, change_source, healthy, rows};

/// Returns a scene whose state database is on a small disk, with the directory of that disk.
fn state_on_a_disk() -> (Scene, PathBuf, Disk) {
    let mut scene = Scene::new();
    let directory = scene.directory("disk");
    let disk = Disk::mount(&directory);
    scene.state = directory.join("state.db");
    (scene, directory, disk)
}

#[test]
fn with_a_full_state_requests_are_refused_until_space_is_free() {
    let scenario = || {
        let (scene, directory, disk) = state_on_a_disk();
        let vms = scene.vms();
        let daemon = scene.start(QUIET);
        change_source(&vms);
        let before = rows(&vms);

        disk.fill();
        // The write-ahead log may have some free space within itself.
        let refused = wait::until("the state is full", || {
            let stop = daemon.ctl(&["stop-scheduler"]);
            let last = if stop.code == Some(0) { daemon.ctl(&["start-scheduler"]) } else { stop };
            (last.code != Some(0)).then_some(last.stderr)
        });
        assert!(refused.contains("database or disk is full"), "{refused}");
        assert_ne!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
        await_reason(&daemon, "disk_low", &[&directory.to_string_lossy(), "0 MB free"]);
        before.none_lost(&rows(&vms));

        disk.make_room();
        wait::until("the scheduler can be started", || {
            (daemon.ctl(&["start-scheduler"]).code == Some(0)).then_some(())
        });
        assert_eq!(daemon.ctl(&["start-scheduler"]).code, Some(0));
        assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
        assert_ne!(rows(&vms), before);
        healthy(&daemon);
    };
    let name = "faults::state_full::with_a_full_state_requests_are_refused_until_space_is_free";
    private(name, scenario, file_limit::scenario);
}

#[test]
fn a_start_on_a_full_disk_reports_the_disk_and_not_permissions() {
    let scenario = || {
        let scene = Scene::new();
        let directory = scene.directory("disk");
        let disk = Disk::mount(&directory);
        std::fs::write(directory.join("ballast"), [1; 4096]).unwrap();
        disk.fill();
        let mut refresh = cached();
        refresh.arg("refresh").env("CACHED_DATABASE_URL", &scene.database);
        let ran = run(refresh.env("CACHED_STATE_URL", directory.join("state.db")));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("free disk space") && !ran.stderr.contains("regular file"), "{ran:?}");
    };
    private(
        "faults::state_full::a_start_on_a_full_disk_reports_the_disk_and_not_permissions",
        scenario,
        || (),
    );
}

#[test]
fn a_run_interrupted_by_a_full_state_finishes_without_a_restart() {
    let scenario = || {
        let (scene, _, disk) = state_on_a_disk();
        let vms = scene.vms();
        let daemon = scene.start(PERSISTENT);
        change_source(&vms);
        let before = rows(&vms);

        // The run has begun and cannot write yet.
        vms.execute("BEGIN IMMEDIATE");
        assert_eq!(daemon.ctl(&["refresh", "--force", "--no-wait"]).code, Some(0));
        wait::until("the run has begun", || {
            (!daemon.json(&["status"])["current_run"].is_null()).then_some(())
        });
        disk.fill();
        vms.execute("COMMIT");
        await_reason(
            &daemon,
            "state_unwritable",
            &[&scene.state.to_string_lossy(), "database or disk is full"],
        );
        before.none_lost(&rows(&vms));

        disk.make_room();
        daemon.idle();
        assert_ne!(rows(&vms), before);
        let run = &daemon.json(&["history"])["runs"][0];
        assert_eq!(run["trigger"], "manual", "{run}");
        assert!(run["jobs"].as_array().unwrap().iter().all(|job| job["outcome"] != "failed"), "{run}");
        healthy(&daemon);
    };
    let name = "faults::state_full::a_run_interrupted_by_a_full_state_finishes_without_a_restart";
    private(name, scenario, file_limit::scenario);
}

#[test]
fn a_backup_that_runs_out_of_space_is_refused_and_leaves_no_file() {
    let scenario = || {
        let (scene, directory, _disk) = state_on_a_disk();
        let vms = scene.vms();
        // Large enough for the copy to be met half way.
        vms.execute(
            "CREATE TABLE padding AS WITH RECURSIVE part (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM part \
             LIMIT 100) SELECT number, randomblob(1000000) AS bytes FROM part",
        );
        let daemon = scene.start(QUIET);
        let before = rows(&vms);
        let copies = || {
            let names = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
            names.filter(|path| path.to_string_lossy().contains("vms-copy")).collect::<Vec<_>>()
        };
        let backup = || {
            let mut command = cachectl();
            command.args(["maintenance", "backup", "-", "--socket"]).arg(daemon.socket());
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command
        };
        let ballast = directory.join("ballast");
        let refused = wait::until("the room has ended half way", || {
            let client = backup().spawn().unwrap();
            wait::until("the copy grows", || {
                copies().iter().any(|copy| copy.metadata().is_ok_and(|copy| copy.len() > 0)).then_some(())
            });
            take_all(&directory, &ballast);
            let client = ran("the backup", client);
            fs::remove_file(&ballast).unwrap();
            (client.code != Some(0)).then_some(client)
        });
        assert_eq!(refused.code, Some(1), "{refused:?}");
        for part in ["copying\n", directory.to_str().unwrap(), "has 0 MB free"] {
            assert!(refused.stderr.contains(part), "{part:?}: {refused:?}");
        }
        assert_eq!(copies(), Vec::<PathBuf>::new());
        before.none_lost(&rows(&vms));
        let after = ran("the next backup", backup().spawn().unwrap());
        assert_eq!(after.code, Some(0), "{after:?}");
        healthy(&daemon);
    };
    let name = "faults::state_full::a_backup_that_runs_out_of_space_is_refused_and_leaves_no_file";
    private(name, scenario, || ());
}

/// Takes all free space of the file system of a directory.
fn take_all(directory: &Path, ballast: &Path) {
    let ballast = File::create(ballast).unwrap();
    let mut taken = 0;
    wait::until("no page is free", || {
        let found = statvfs(directory).unwrap();
        let free = found.f_bavail * found.f_frsize;
        // The copy may have taken some of it meanwhile.
        let part =
            if fallocate(&ballast, FallocateFlags::empty(), taken, free.max(1)).is_ok() { free } else { 0 };
        taken += part;
        (free == 0).then_some(())
    });
}
