//! The disk of the log directory is full.

use std::fs;

use cached_tests::wait;

use super::mounts::{Disk, private};
use super::scene::{QUIET, Scene, await_reason, change_source, healthy, reason, rows};

#[test]
fn with_a_full_log_directory_work_continues_and_the_gap_is_marked() {
    let scenario = || {
        let scene = Scene::new();
        let directory = scene.directory("log");
        let disk = Disk::mount(&directory);
        let vms = scene.vms();
        let daemon = scene.start(QUIET);
        change_source(&vms);
        let before = rows(&vms);

        disk.fill();
        // The rest of the file's last page still holds a few records.
        wait::until("a record is lost", || {
            assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
            reason(&daemon.health(), "log_unwritable")
        });
        let file = directory.join("cache_manager.log");
        await_reason(&daemon, "log_unwritable", &[&file.to_string_lossy(), "No space left on device"]);
        await_reason(&daemon, "disk_low", &[&directory.to_string_lossy(), "0 MB free"]);
        assert_ne!(rows(&vms), before, "work continues");

        disk.make_room();
        healthy(&daemon);
        assert!(fs::read_to_string(file).unwrap().contains("Records before this one are missing"));
    };
    let name = "faults::log_full::with_a_full_log_directory_work_continues_and_the_gap_is_marked";
    private(name, scenario, substitute);
}

/// A file in place of the directory: nothing can be written there either.
pub(crate) fn substitute() {
    let scene = Scene::new();
    let log = scene.golden.directory().join("log");
    let vms = scene.vms();
    let daemon = scene.start(QUIET);
    change_source(&vms);
    let before = rows(&vms);

    fs::rename(&log, scene.golden.directory().join("kept")).unwrap();
    fs::write(&log, "in the way").unwrap();
    assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
    await_reason(&daemon, "log_unwritable", &[&log.join("cache_manager.log").to_string_lossy()]);
    assert_ne!(rows(&vms), before, "work continues");

    fs::remove_file(&log).unwrap();
    healthy(&daemon);
    assert!(
        fs::read_to_string(log.join("cache_manager.log"))
            .unwrap()
            .contains("Records before this one are missing")
    );
}

#[test]
fn with_a_file_in_place_of_the_log_directory_work_continues() {
    substitute();
}
