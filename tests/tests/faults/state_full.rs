//! The disk of the state database is full.

use cached_tests::binary::{cached, run};
use cached_tests::wait;

use crate::file_limit;
use crate::mounts::{Disk, private};
use crate::scene::{PERSISTENT, QUIET, Scene, change_source, healthy, rows, told};

#[test]
fn what_cannot_be_kept_is_refused_and_taken_when_there_is_room() {
    let scenario = || {
        let mut scene = Scene::new();
        let directory = scene.directory("disk");
        let disk = Disk::mount(&directory);
        scene.state = directory.join("state.db");
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
        told(&daemon, "disk_low", &[&directory.to_string_lossy(), "0 MB free"]);
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
    let name = "state_full::what_cannot_be_kept_is_refused_and_taken_when_there_is_room";
    private(name, scenario, file_limit::scenario);
}

#[test]
fn a_start_says_that_the_disk_is_full_and_nothing_of_rights() {
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
    private("state_full::a_start_says_that_the_disk_is_full_and_nothing_of_rights", scenario, || ());
}

#[test]
fn a_run_that_it_interrupts_is_finished_without_a_restart() {
    let scenario = || {
        let mut scene = Scene::new();
        let directory = scene.directory("disk");
        let disk = Disk::mount(&directory);
        scene.state = directory.join("state.db");
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
        told(&daemon, "state_unwritable", &[&scene.state.to_string_lossy(), "database or disk is full"]);
        before.none_lost(&rows(&vms));

        disk.make_room();
        daemon.idle();
        assert_ne!(rows(&vms), before);
        let run = &daemon.json(&["history"])["runs"][0];
        assert_eq!(run["trigger"], "manual", "{run}");
        assert!(run["jobs"].as_array().unwrap().iter().all(|job| job["outcome"] != "failed"), "{run}");
        healthy(&daemon);
    };
    let name = "state_full::a_run_that_it_interrupts_is_finished_without_a_restart";
    private(name, scenario, file_limit::scenario);
}
