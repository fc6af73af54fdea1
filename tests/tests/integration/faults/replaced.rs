//! Another file replaces VMS's database.

use std::fs;
use std::path::{Path, PathBuf};

use cached::vms::tables::Table;
use cached_tests::daemon::Daemon;
use cached_tests::vms::Other;
use cached_tests::wait;

use super::scene::{Scene, await_reason, change_source, healthy, rows};

const IMPATIENT: &str =
    "[watch]\npoll = \"20ms\"\nquiet = \"200ms\"\nmax_delay = \"2s\"\n[retry]\nattempts = 1\n";

/// Returns a database in a single file: no process has it open, and its log is checkpointed.
fn settled(path: &Path) -> PathBuf {
    assert_eq!(Other::open(path).texts("PRAGMA journal_mode = DELETE"), ["delete"]);
    path.to_owned()
}

#[test]
fn a_newer_copy_of_the_database_is_noticed_and_refreshed() {
    let scene = Scene::new();
    let path = settled(&scene.database);
    let daemon = scene.start(IMPATIENT);
    let old = rows(&scene.vms());
    let newer = scene.golden.directory().join("newer.db");
    fs::copy(&path, &newer).unwrap();
    let copy = Other::open(&newer);
    assert_eq!(rows(&copy), old);
    change_source(&copy);
    drop(copy);

    fs::rename(&newer, &path).unwrap();
    wait::until("the new file is refreshed", || (rows(&scene.vms()) != old).then_some(()));
    daemon.idle();
    healthy(&daemon);
    assert_eq!(daemon.json(&["history"])["runs"][0]["trigger"], "watch");
}

/// Puts something else in the file's place for a while; it is reported, never written to, and the reason
/// disappears when VMS's file is back.
fn while_away(intruder: impl FnOnce(&Path), message: &str) {
    let scene = Scene::new();
    let path = settled(&scene.database);
    let daemon = scene.start(IMPATIENT);
    let before = rows(&scene.vms());
    let kept = scene.golden.directory().join("kept.db");
    assert_eq!(beside(&path), Vec::<PathBuf>::new(), "all of it is in one file");
    fs::rename(&path, &kept).unwrap();
    let size = kept.metadata().unwrap().len();
    intruder(&path);
    let bytes = fs::read(&path).ok();

    await_reason(&daemon, "database_unreachable", &[&path.to_string_lossy(), message]);
    let refresh = daemon.ctl(&["refresh", "--force"]);
    assert_eq!(refresh.code, Some(1), "{refresh:?}");
    await_reason(&daemon, "last_run_failed", &[&path.to_string_lossy(), message]);
    assert_eq!(fs::read(&path).ok(), bytes, "what is not VMS's was written to");

    // SQLite would replay a log or a journal that is left there over VMS's file.
    assert_eq!(beside(&path), Vec::<PathBuf>::new());
    assert_eq!(kept.metadata().unwrap().len(), size);
    fs::rename(&kept, &path).unwrap();
    assert_eq!(rows(&scene.vms()), before);
    retried(&daemon);
    before.none_lost(&rows(&scene.vms()));
    // VMS's file is watched again.
    let table = Table::OrganizationDetailCache;
    scene.vms().execute(&format!("DELETE FROM {table}"));
    wait::until("lost rows are refilled", || {
        (rows(&scene.vms()).count(table) == before.count(table)).then_some(())
    });
}

/// The files that SQLite keeps beside a database.
fn beside(database: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(database.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let is_beside = |file: &PathBuf| {
        let name = file.to_string_lossy();
        name.strip_prefix(&*database.to_string_lossy()).is_some_and(|rest| rest.starts_with('-'))
    };
    files.filter(is_beside).collect()
}

fn retried(daemon: &Daemon) {
    assert_eq!(daemon.ctl(&["retry", "--failed"]).code, Some(0));
    daemon.idle();
    healthy(daemon);
}

#[test]
fn a_database_without_vmss_tables_in_its_place_is_refused() {
    while_away(
        |path| Other::open(path).execute("CREATE TABLE shopping (item TEXT)"),
        "has none of VMS's tables",
    );
}

#[test]
fn a_file_that_is_not_a_database_in_its_place_is_refused() {
    let garbage = "no database, only a few notes from some day\n".repeat(300);
    while_away(|path| fs::write(path, garbage).unwrap(), "is not a SQLite database");
}

#[test]
fn a_removed_database_is_waited_for_and_not_created() {
    while_away(|path| assert!(!path.exists()), "does not exist");
}
