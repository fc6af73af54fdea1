//! Tests of the contents of the log directory after records were logged.

mod follow;
mod tidying;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{TimeZone as _, Utc};
use tracing::{debug, error, info, warn};

use super::*;
use crate::clock::ManualClock;
use crate::config::{Instance, Overrides, ProcessEnvironment};

struct Logging {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    dispatch: Dispatch,
    telemetry: Telemetry,
}

fn config(dir: &Path, more: &[(&'static str, &str)]) -> Config {
    let mut overrides = Overrides::default();
    overrides.set("--database", "database", "url", "/nowhere/vms.db");
    overrides.set("--log", "log", "dir", dir.to_string_lossy());
    overrides.set("--log", "log", "journald", "false");
    for (key, value) in more {
        overrides.set("--log", "log", key, *value);
    }
    let environment = ProcessEnvironment {
        env: [("HOME".to_owned(), "/home/ada".to_owned())].into(),
        cwd: "/".into(),
        uid: 1000,
        now: chrono::DateTime::UNIX_EPOCH,
        instance: Instance::default(),
        system_zone: crate::config::SystemZone::default(),
        default_file: "/nowhere/cached.toml".into(),
    };
    Config::load(&overrides, &environment).unwrap()
}

fn is_packed(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "gz")
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Starts logging at 02:00:00.123 in Chicago, in the night in which the clock goes back.
fn logging(more: &[(&'static str, &str)]) -> Logging {
    let dir = tempfile::tempdir().unwrap();
    let night = Utc.with_ymd_and_hms(2026, 11, 1, 8, 0, 0).unwrap() + Duration::from_millis(123);
    let clock = Arc::new(ManualClock::new(night));
    let log = dir.path().join("log");
    let (dispatch, telemetry) = build(&config(&log, more), Kind::Service, clock.clone(), None);
    Logging { dir, clock, dispatch, telemetry }
}

impl Logging {
    fn log(&self, records: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.dispatch, records);
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Content of a file, uncompressed.
    fn read(&self, name: &str) -> String {
        self.telemetry.tidied();
        let file = fs::File::open(self.path().join(name)).unwrap();
        let mut text = String::new();
        if is_packed(name) {
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        } else {
            (&file).read_to_string(&mut text).unwrap();
        }
        text
    }

    /// File names in the directory once it is tidy.
    fn names(&self) -> Vec<String> {
        self.telemetry.tidied();
        names(&self.path())
    }

    fn messages(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(|line| line.rsplit(" - ").next().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_line_has_local_time_target_with_run_level_and_message() {
    let logging = logging(&[("level", "debug")]);
    logging.log(|| {
        error!(run_id = 7, "Cache refresh failed: {}", "no rows");
        warn!("w");
        info!(outcome = "rebuilt", "i");
        debug!("d");
    });
    insta::assert_snapshot!(logging.read("cache_manager.log"), @r"
    2026-11-01 02:00:00,123 - cached::telemetry::tests::7 - ERROR - Cache refresh failed: no rows
    2026-11-01 02:00:00,123 - cached::telemetry::tests - WARNING - w
    2026-11-01 02:00:00,123 - cached::telemetry::tests - INFO - i
    2026-11-01 02:00:00,123 - cached::telemetry::tests - DEBUG - d
    ");
}

#[test]
fn hostile_text_stays_one_line() {
    let logging = logging(&[]);
    logging.log(|| info!("school\n2026-11-01 - forged\r\u{1b}[2J\u{202e}\u{2028}"));
    let text = logging.read("cache_manager.log");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.ends_with("school\\n2026-11-01 - forged\\r\\u{1b}[2J\\u{202e}\\u{2028}\n"), "{text}");
}

#[test]
fn a_full_file_is_rotated_and_numbered_within_the_day() {
    let logging = logging(&[("max_size", "150B")]);
    logging.log(|| (1..=5).for_each(|n| info!("{n}")));
    // 70 bytes each: two records fit.
    assert_eq!(
        logging.names(),
        ["cache_manager.log", "cache_manager_20261101.1.log.gz", "cache_manager_20261101.log.gz"]
    );
    assert_eq!(logging.messages("cache_manager_20261101.log.gz"), ["1", "2"]);
    assert_eq!(logging.messages("cache_manager_20261101.1.log.gz"), ["3", "4"]);
    assert_eq!(logging.messages("cache_manager.log"), ["5"]);
}

#[test]
fn the_number_of_a_compressed_file_is_not_used_again() {
    let logging = logging(&[("max_size", "100B")]);
    fs::create_dir(logging.dir.path().join("log")).unwrap();
    fs::write(logging.path().join("cache_manager_20261101.4.log.gz"), "").unwrap();
    logging.log(|| (1..=2).for_each(|n| info!("{n}")));
    assert_eq!(logging.messages("cache_manager_20261101.5.log.gz"), ["1"]);
}

#[test]
fn a_new_civil_day_begins_a_new_file_and_a_new_utc_day_does_not() {
    let logging = logging(&[]);
    logging.log(|| {
        info!("morning");
        logging.clock.advance(Duration::from_hours(21));
        info!("23:00 in Chicago, tomorrow in UTC");
        logging.clock.advance(Duration::from_hours(1));
        info!("midnight");
    });
    assert_eq!(logging.names(), ["cache_manager.log", "cache_manager_20261101.log.gz"]);
    assert_eq!(logging.messages("cache_manager_20261101.log.gz").len(), 2);
    assert_eq!(logging.messages("cache_manager.log"), ["midnight"]);
}

#[test]
fn what_a_process_of_an_earlier_day_left_is_rotated_under_that_day() {
    let logging = logging(&[]);
    let log = logging.dir.path().join("log");
    fs::create_dir(&log).unwrap();
    let left = fs::File::create(log.join("cache_manager.log")).unwrap();
    std::io::Write::write_all(&mut &left, b"old\n").unwrap();
    left.set_modified(Utc.with_ymd_and_hms(2026, 10, 30, 12, 0, 0).unwrap().into()).unwrap();
    logging.log(|| info!("new"));
    assert_eq!(logging.read("cache_manager_20261030.log.gz"), "old\n");
    assert_eq!(logging.messages("cache_manager.log"), ["new"]);
}

#[test]
fn a_log_file_that_was_moved_or_removed_is_created_again() {
    let logging = logging(&[]);
    let log = logging.dir.path().join("log");
    logging.log(|| {
        info!("1");
        fs::rename(log.join("cache_manager.log"), log.join("cache_manager.log.1")).unwrap();
        info!("2");
        assert_eq!(logging.messages("cache_manager.log"), ["2"]);
        fs::remove_dir_all(&log).unwrap();
        info!("3");
    });
    assert_eq!(logging.messages("cache_manager.log"), ["3"]);
}

#[test]
fn an_unwritable_log_loses_records_until_it_is_writable_and_blocks_no_work() {
    let logging = logging(&[]);
    let log = logging.dir.path().join("log");
    fs::write(&log, "a file where the directory should be").unwrap();
    logging.log(|| {
        info!("lost");
        fs::remove_file(&log).unwrap();
        info!("kept");
    });
    assert_eq!(logging.messages("cache_manager.log"), ["kept"]);
}

#[test]
fn a_symbolic_link_in_place_of_the_log_is_reported_and_not_followed() {
    let logging = logging(&[]);
    let log = logging.dir.path().join("log");
    fs::create_dir(&log).unwrap();
    let victim = logging.dir.path().join("victim");
    fs::write(&victim, "").unwrap();
    std::os::unix::fs::symlink(&victim, log.join("cache_manager.log")).unwrap();
    logging.log(|| {
        info!("x");
        let complaint = complaint().unwrap();
        let message = format!(
            "the log file {} cannot be written: it is a symbolic link",
            log.join("cache_manager.log").display()
        );
        assert_eq!(complaint, Complaint { message, cause: ComplaintCause::Link });
        fs::remove_file(log.join("cache_manager.log")).unwrap();
        assert_eq!(super::complaint(), None);
    });
    assert_eq!(fs::read_to_string(victim).unwrap(), "");
}

#[test]
fn a_log_file_with_a_second_hard_link_is_reported_and_not_written() {
    let logging = logging(&[]);
    let log = logging.dir.path().join("log");
    fs::create_dir(&log).unwrap();
    let victim = logging.dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::hard_link(&victim, log.join("cache_manager.log")).unwrap();
    logging.log(|| {
        info!("x");
        let complaint = complaint().unwrap();
        assert_eq!(complaint.cause, ComplaintCause::Link);
        assert!(complaint.message.ends_with("it has another name as well, a hard link"), "{complaint:?}");
        fs::remove_file(log.join("cache_manager.log")).unwrap();
        assert_eq!(super::complaint(), None);
    });
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn a_file_with_the_last_number_does_not_end_rotation() {
    for day in ["20261101", "20261102", "20261103"] {
        let logging = logging(&[("max_size", "100B")]);
        fs::create_dir(logging.path()).unwrap();
        fs::write(logging.path().join(format!("cache_manager_{day}.4294967295.log")), "").unwrap();
        logging.log(|| (1..=4).for_each(|n| info!("{n}")));
        let rotated = ["cache_manager_20261101.log.gz", "cache_manager_20261101.1.log.gz"];
        let messages = rotated.map(|name| logging.messages(name).join(""));
        assert_eq!(messages, ["1", "2"], "{day}: {:?}", logging.names());
        assert_eq!(logging.messages("cache_manager.log"), ["4"], "{day}");
    }
}

#[test]
fn level_and_directory_change_while_running() {
    let logging = logging(&[("level", "warn")]);
    let other = logging.dir.path().join("other");
    logging.log(|| {
        info!("not yet");
        logging.telemetry.reload(&config(&other, &[("level", "info")])).unwrap();
        info!("now");
    });
    assert!(!logging.dir.path().join("log").exists());
    let text = fs::read_to_string(other.join("cache_manager.log")).unwrap();
    assert!(text.ends_with(" - INFO - now\n") && text.lines().count() == 1, "{text}");
}

#[test]
fn records_of_libraries_are_kept_from_warning_level_on() {
    let logging = logging(&[("level", "trace")]);
    logging.log(|| {
        info!(target: "sqlx::query", "chatter");
        warn!(target: "sqlx::query", "slow");
    });
    assert_eq!(logging.messages("cache_manager.log"), ["slow"]);
}
