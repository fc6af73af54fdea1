//! The state database is damaged or gone, before the daemon starts and while it runs.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use cached_tests::binary::run;
use cached_tests::daemon::Daemon;
use cached_tests::vms::Other;

use super::scene::{QUIET, Rows, Scene, await_reason, healthy, rows};

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

/// Does what the hint asks an operator to do.
fn move_away(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let file = beside(path, suffix);
        if file.exists() {
            fs::rename(&file, beside(&file, ".away")).unwrap();
        }
    }
}

fn cut_off(path: &Path, keep: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(keep).unwrap();
}

fn garbage(path: &Path) {
    let length = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    OpenOptions::new().write(true).open(path).unwrap().write_all(&vec![0xa5; length]).unwrap();
}

type Damage = Box<dyn Fn(&Path)>;

/// Returns a scene in which everything is fresh and the daemon has ended.
fn stopped() -> (Scene, Rows) {
    let scene = Scene::new();
    let daemon = scene.start(QUIET);
    assert_eq!(daemon.stop(), Some(0));
    let before = rows(&scene.vms());
    (scene, before)
}

/// Checks that a daemon with an empty state finds everything fresh and changes nothing.
fn starts_with_an_empty_state(scene: &Scene, before: &Rows) {
    move_away(&scene.state);
    let daemon = scene.start(QUIET);
    assert_eq!(&rows(&scene.vms()), before);
    assert_eq!(daemon.json(&["history"])["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_damaged_or_foreign_state_is_refused_and_left_unchanged() {
    let (scene, before) = stopped();
    let sound = fs::read(&scene.state).unwrap();
    let half = sound.len() as u64 / 2;
    let cases: [(Damage, &[&str]); 4] = [
        (Box::new(move |path| cut_off(path, half)), &["is damaged", "move it and its -wal file away"]),
        (Box::new(|path| cut_off(path, 50)), &["is damaged", "move it and its -wal file away"]),
        (Box::new(garbage), &["is not an SQLite database", "move the file away"]),
        (
            Box::new(|path| {
                fs::remove_file(path).unwrap();
                let other = Other::open(path);
                other.execute("PRAGMA application_id = 7; CREATE TABLE shopping (item TEXT)");
            }),
            &["is a database of another application", "set state.url to another path"],
        ),
    ];
    for (damage, message) in cases {
        fs::write(&scene.state, &sound).unwrap();
        damage(&scene.state);
        let bytes = fs::read(&scene.state).unwrap();
        let ran = run(&mut scene.command(QUIET));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        for part in message.iter().chain([&&*scene.state.to_string_lossy()]) {
            assert!(ran.stderr.contains(part), "{part:?} is not in {}", ran.stderr);
        }
        println!("REFUSED {}", ran.stderr);
        assert_eq!(fs::read(&scene.state).unwrap(), bytes, "the damaged file was touched");
        assert_eq!(rows(&scene.vms()), before);
    }
    starts_with_an_empty_state(&scene, &before);
}

/// Damages the state while the daemon runs; checks that the daemon reports it, loses no row, and is healthy
/// after the remedy of its hint.
fn while_running(damage: impl FnOnce(&Scene), code: &str, message: &str, repair: impl FnOnce(&Scene)) {
    let scene = Scene::new();
    let daemon = scene.start(QUIET);
    let before = rows(&scene.vms());
    damage(&scene);
    await_reason(&daemon, code, &[&scene.state.to_string_lossy(), message]);
    assert_eq!(rows(&scene.vms()), before);
    stop(daemon);
    repair(&scene);
    let daemon = scene.start(QUIET);
    assert_eq!(rows(&scene.vms()), before);
    healthy(&daemon);
}

fn stop(daemon: Daemon) {
    // Without its state it may end with an error; what matters is that it ends.
    assert!(daemon.stop().is_some(), "killed by a signal");
}

#[test]
fn a_removed_state_is_noticed() {
    let remove = |scene: &Scene| fs::remove_file(&scene.state).unwrap();
    while_running(remove, "state_lost", "was removed", |scene| move_away(&scene.state));
}

#[test]
fn a_replaced_state_is_noticed_and_used_after_a_restart() {
    let replace = |scene: &Scene| {
        let copy = beside(&scene.state, ".copy");
        let state = Other::open(&scene.state);
        state.execute(&format!("VACUUM INTO '{}'", copy.display()));
        drop(state);
        fs::rename(copy, &scene.state).unwrap();
    };
    // The write-ahead log next to it belongs to the old file.
    let repair = |scene: &Scene| {
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&scene.state, suffix));
        }
    };
    while_running(replace, "state_lost", "was replaced by another file", repair);
}

#[test]
fn a_state_that_is_cut_off_is_noticed() {
    let repair = |scene: &Scene| move_away(&scene.state);
    while_running(|scene| cut_off(&scene.state, 0), "state_lost", "was truncated or overwritten", repair);
}

#[test]
fn a_state_that_is_overwritten_is_noticed() {
    let repair = |scene: &Scene| move_away(&scene.state);
    while_running(|scene| garbage(&scene.state), "state_lost", "was truncated or overwritten", repair);
}
