//! The disk of VMS's database is full.

use std::path::PathBuf;

use super::mounts::{Disk, private};
use super::scene::{PERSISTENT, QUIET, Scene, await_reason, change_source, fold_in, healthy, reason, rows};
use super::{file_limit, log_full};

/// Returns a scene whose VMS database is on a small disk, with the directory of that disk.
fn database_on_a_disk() -> (PathBuf, Disk, Scene) {
    let scene = Scene::new();
    let directory = scene.directory("disk");
    let disk = Disk::mount(&directory);
    let scene = scene.move_database(&directory);
    (directory, disk, scene)
}

#[test]
fn on_a_full_disk_a_refresh_waits_for_space_and_loses_no_row() {
    let scenario = || {
        let (directory, disk, scene) = database_on_a_disk();
        // VMS keeps its database open all the time.
        let vms = scene.vms();
        let daemon = scene.start(PERSISTENT);
        change_source(&vms);
        fold_in(&vms);
        let before = rows(&vms);

        disk.fill();
        assert_eq!(daemon.ctl(&["refresh", "--force", "--no-wait"]).code, Some(0));
        let path = scene.database.to_string_lossy();
        await_reason(&daemon, "retrying", &[&path, "no space left for the VMS database", "free disk space"]);
        await_reason(&daemon, "disk_low", &[&directory.to_string_lossy(), "0 MB free"]);
        assert_eq!(rows(&vms), before);

        disk.make_room();
        daemon.idle();
        assert_ne!(rows(&vms), before);
        healthy(&daemon);
        let run = &daemon.json(&["history"])["runs"][0];
        assert!(run["jobs"].as_array().unwrap().iter().all(|job| job["outcome"] != "failed"), "{run}");
    };
    private(
        "faults::disk_full::on_a_full_disk_a_refresh_waits_for_space_and_loses_no_row",
        scenario,
        file_limit::scenario,
    );
}

#[test]
fn a_disk_without_inodes_is_reported_differently_from_a_full_one() {
    let scenario = || {
        let scene = Scene::new();
        let directory = scene.directory("disk");
        let disk = Disk::with_inodes(&directory, 200);
        let scene = scene.move_database(&directory);
        let vms = scene.vms();
        // With a rollback journal every commit creates a file.
        assert_eq!(vms.texts("PRAGMA journal_mode = DELETE"), ["delete"]);
        let daemon = scene.start(PERSISTENT);
        change_source(&vms);
        let before = rows(&vms);

        let files = disk.use_up_inodes();
        assert!(!files.is_empty());
        assert_eq!(daemon.ctl(&["refresh", "--force", "--no-wait"]).code, Some(0));
        let place = directory.to_string_lossy();
        await_reason(
            &daemon,
            "retrying",
            &["no inodes left for a file beside the VMS database", &place, "`df -i`"],
        );
        await_reason(&daemon, "inodes_low", &[&place, "has 0 inodes left"]);
        assert_eq!(reason(&daemon.health(), "disk_low"), None);
        assert_eq!(rows(&vms), before);

        for file in &files {
            std::fs::remove_file(file).unwrap();
        }
        daemon.idle();
        assert_ne!(rows(&vms), before);
        healthy(&daemon);
    };
    private(
        "faults::disk_full::a_disk_without_inodes_is_reported_differently_from_a_full_one",
        scenario,
        file_limit::scenario,
    );
}

#[test]
fn a_failed_refresh_stays_a_reason_until_another_one_succeeds() {
    let scenario = || {
        let (_, disk, scene) = database_on_a_disk();
        let vms = scene.vms();
        let daemon = scene.start(QUIET);
        change_source(&vms);
        fold_in(&vms);
        let before = rows(&vms);

        disk.fill();
        let refresh = daemon.ctl(&["refresh", "--force"]);
        assert_eq!(refresh.code, Some(1), "{refresh:?}");
        let path = scene.database.to_string_lossy();
        await_reason(&daemon, "last_run_failed", &[&path, "no space left for the VMS database"]);
        assert_eq!(rows(&vms), before);

        disk.make_room();
        assert_eq!(daemon.ctl(&["retry", "--failed"]).code, Some(0));
        daemon.idle();
        assert_ne!(rows(&vms), before);
        healthy(&daemon);
    };
    let name = "faults::disk_full::a_failed_refresh_stays_a_reason_until_another_one_succeeds";
    private(name, scenario, log_full::substitute);
}
