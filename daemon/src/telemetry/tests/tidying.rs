//! What is left in the log directory after tidying, and that whatever happens, the files together contain every line
//! once and in order.

use std::cell::Cell;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use chrono::{DateTime, NaiveDate};
use proptest::prelude::*;

use super::super::rotated::{Form, Leftover, Order, Rotated, Step, tidy};
use super::*;
use crate::heartbeat::Heartbeat;

pub(super) const STEPS: [Step; 4] = [Step::Begun, Step::Copied, Step::Written, Step::Renamed];

fn order(dir: &Path) -> Order {
    let today = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    Order { dir: dir.to_owned(), keep_days: 30, today }
}

/// Tidies, with a crash at that step.
pub(super) fn killed(order: &Order, at: Step) {
    let killed = catch_unwind(AssertUnwindSafe(|| {
        tidy(order, &|step| if step == at { resume_unwind(Box::new(())) } else { Ok(()) });
    }));
    drop(killed);
}

fn undisturbed(order: &Order) -> Vec<Leftover> {
    tidy(order, &|_| Ok(()))
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn rotated_files_are_compressed_old_ones_deleted_and_other_files_left_alone() {
    for (name, left) in [
        ("cache_manager.log", &["cache_manager.log"][..]),
        ("cache_manager_20261101.log", &["cache_manager_20261101.log.gz"]),
        ("cache_manager_20261101.12.log", &["cache_manager_20261101.12.log.gz"]),
        ("cache_manager_20261002.log", &["cache_manager_20261002.log.gz"]),
        ("cache_manager_20261001.log", &[]),
        ("cache_manager_20261001.3.log.gz", &[]),
        ("cache_manager_20990101.log.gz", &["cache_manager_20990101.log.gz"]),
        (".cache_manager_20261101.1.log.gz.part", &[]),
        // Names given by other programs.
        ("cache_manager.log.1", &["cache_manager.log.1"]),
        ("cache_manager.log-20200101", &["cache_manager.log-20200101"]),
        ("cache_manager_20200101.log.bak", &["cache_manager_20200101.log.bak"]),
        ("cache_manager_20200101.007.log", &["cache_manager_20200101.007.log"]),
        ("cache_manager_20200101.+7.log", &["cache_manager_20200101.+7.log"]),
        ("cache_manager_20200101.0.log", &["cache_manager_20200101.0.log"]),
        ("cache_manager_20200230.log", &["cache_manager_20200230.log"]),
        ("cache_manager_2020010.log", &["cache_manager_2020010.log"]),
        ("cache_manager_20200101.4294967296.log", &["cache_manager_20200101.4294967296.log"]),
        (".cache_manager_20200101.log.part", &[".cache_manager_20200101.log.part"]),
        ("notes", &["notes"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), "1\n").unwrap();
        assert!(undisturbed(&order(dir.path())).is_empty(), "{name}");
        assert_eq!(names(dir.path()), left, "{name}");
    }
}

#[test]
fn links_and_directories_with_names_of_logs_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let link = |name: &str| symlink(&victim, dir.path().join(name)).unwrap();
    link("cache_manager_20200101.log");
    link("cache_manager_20261101.log");
    link("cache_manager_20200102.log.gz");
    fs::create_dir(dir.path().join("cache_manager_20200103.log")).unwrap();
    let before = names(dir.path());
    assert!(undisturbed(&order(dir.path())).is_empty());
    assert_eq!(names(dir.path()), before);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_planted_link_in_the_way_of_the_compressed_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::write(dir.path().join("cache_manager_20261101.log"), "1\n").unwrap();
    let packed = dir.path().join("cache_manager_20261101.log.gz");
    symlink(&victim, &packed).unwrap();
    symlink(&victim, dir.path().join(".cache_manager_20261101.log.gz.part")).unwrap();
    assert_eq!(undisturbed(&order(dir.path())).len(), 1);
    assert_eq!(fs::read_to_string(dir.path().join("cache_manager_20261101.log")).unwrap(), "1\n");
    fs::remove_file(&packed).unwrap();
    symlink(&victim, dir.path().join(".cache_manager_20261101.log.gz.part")).unwrap();
    assert!(undisturbed(&order(dir.path())).is_empty());
    assert_eq!(names(dir.path()), ["cache_manager_20261101.log.gz", "victim"]);
    assert_eq!(gunzip(&packed), "1\n");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_compressed_file_has_mode_and_time_of_the_plain_one() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("cache_manager_20261101.log");
    fs::write(&plain, "1\n").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(&plain).unwrap();
    assert!(undisturbed(&order(dir.path())).is_empty());
    let packed = fs::metadata(dir.path().join("cache_manager_20261101.log.gz")).unwrap();
    assert_eq!((packed.mode(), packed.modified().unwrap()), (before.mode(), before.modified().unwrap()));
}

#[test]
fn after_a_crash_at_any_step_the_next_tidying_completes_the_compression() {
    for at in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let text = "a line\n".repeat(30_000);
        fs::write(dir.path().join("cache_manager_20261101.log"), &text).unwrap();
        killed(&order(dir.path()), at);
        let packed = dir.path().join("cache_manager_20261101.log.gz");
        assert!(!packed.exists() || gunzip(&packed) == text, "{at:?}: half a file under the final name");
        assert!(dir.path().join("cache_manager_20261101.log").exists(), "{at:?}");
        assert!(undisturbed(&order(dir.path())).is_empty(), "{at:?}");
        assert_eq!(names(dir.path()), ["cache_manager_20261101.log.gz"], "{at:?}");
        assert_eq!(gunzip(&packed), text, "{at:?}");
    }
}

#[test]
fn a_full_disk_at_any_step_keeps_the_plain_file_and_leaves_no_half_one() {
    for at in STEPS {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cache_manager_20261101.log"), "1\n").unwrap();
        let full = |step| if step == at { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) };
        let left = tidy(&order(dir.path()), &full);
        assert!(matches!(left[..], [Leftover::Pack(..)]), "{at:?}: {left:?}");
        assert!(names(dir.path()).contains(&"cache_manager_20261101.log".to_owned()), "{at:?}");
        assert!(!names(dir.path()).iter().any(|name| name.starts_with('.')), "{at:?}");
        assert!(undisturbed(&order(dir.path())).is_empty(), "{at:?}");
        assert_eq!(names(dir.path()), ["cache_manager_20261101.log.gz"], "{at:?}");
    }
}

#[test]
fn a_compressed_file_of_the_same_name_is_a_leftover_only_if_it_holds_the_same() {
    let whole = gzip("1\n2\n");
    for (what, packed, kept) in [
        ("the same", whole.clone(), false),
        ("in two members", [gzip("1\n"), gzip("2\n")].concat(), false),
        ("less", gzip("1\n"), true),
        ("more", gzip("1\n2\n3\n"), true),
        ("something else", gzip("1\n3\n"), true),
        ("half of it", whole[..whole.len() - 6].to_vec(), true),
        ("garbage", b"garbage".to_vec(), true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("cache_manager_20261101.log");
        fs::write(&plain, "1\n2\n").unwrap();
        fs::write(dir.path().join("cache_manager_20261101.log.gz"), &packed).unwrap();
        let left = undisturbed(&order(dir.path()));
        assert_eq!(matches!(left[..], [Leftover::Differs(_)]), kept, "{what}: {left:?}");
        assert_eq!(plain.exists(), kept, "{what}");
        assert_eq!(fs::read(dir.path().join("cache_manager_20261101.log.gz")).unwrap(), packed, "{what}");
    }
}

#[test]
fn a_file_that_another_process_writes_is_compressed_by_a_later_tidying() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("cache_manager_20261101.log");
    fs::write(&plain, "1\n").unwrap();
    let writer = fs::File::options().append(true).open(&plain).unwrap();
    writer.lock_shared().unwrap();
    assert!(undisturbed(&order(dir.path())).is_empty());
    assert_eq!(names(dir.path()), ["cache_manager_20261101.log"]);
    drop(writer);
    assert!(undisturbed(&order(dir.path())).is_empty());
    assert_eq!(names(dir.path()), ["cache_manager_20261101.log.gz"]);
}

#[test]
fn one_process_at_a_time_tidies() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cache_manager_20261101.log"), "1\n").unwrap();
    let attempted = Cell::new(false);
    let other = |_| {
        // While one process is tidying, leftovers of another one are not searched for.
        assert!(undisturbed(&order(dir.path())).is_empty());
        attempted.set(true);
        Ok(())
    };
    assert!(tidy(&order(dir.path()), &other).is_empty());
    assert!(attempted.get());
    assert_eq!(names(dir.path()), ["cache_manager_20261101.log.gz"]);
}

#[test]
fn a_start_compresses_files_left_by_the_previous_process() {
    let dir = tempfile::tempdir().unwrap();
    for name in
        ["cache_manager_20200101.log.gz", "cache_manager_20261031.log", ".cache_manager_20261031.log.gz.part"]
    {
        fs::write(dir.path().join(name), "1\n").unwrap();
    }
    let clock = Arc::new(ManualClock::new(Utc.with_ymd_and_hms(2026, 11, 1, 8, 0, 0).unwrap()));
    let (_dispatch, telemetry) = build(&config(dir.path(), &[]), Kind::Service, clock, None);
    telemetry.tidied();
    assert_eq!(names(dir.path()), ["cache_manager_20261031.log.gz"]);
}

#[tokio::test]
async fn old_files_are_deleted_daily_even_without_new_records() {
    let logging = logging(&[("keep_days", "1")]);
    fs::create_dir(logging.path()).unwrap();
    fs::write(logging.path().join("cache_manager_20261031.log.gz"), "").unwrap();
    let clock: Arc<dyn Clock> = logging.clock.clone();
    let (telemetry, heartbeat) = (logging.telemetry.clone(), Heartbeat::new("log", &clock));
    let daily = tokio::spawn(async move { telemetry.tidy_daily(&heartbeat).await });
    for left in [vec!["cache_manager_20261031.log.gz".to_owned()], Vec::new()] {
        assert_eq!(logging.names(), left);
        logging.clock.sleeping(1).await;
        logging.clock.advance(Duration::from_hours(24));
        logging.clock.sleeping(1).await;
    }
    daily.abort();
}

#[test]
fn a_log_truncated_by_another_program_counts_from_its_new_size() {
    let logging = logging(&[("max_size", "150B")]);
    logging.log(|| {
        info!("1");
        info!("2");
        fs::File::options()
            .write(true)
            .open(logging.path().join("cache_manager.log"))
            .unwrap()
            .set_len(0)
            .unwrap();
        info!("3");
        info!("4");
    });
    assert_eq!(logging.names(), ["cache_manager.log"]);
    assert_eq!(logging.messages("cache_manager.log"), ["3", "4"]);
}

#[derive(Debug, Clone)]
enum Happening {
    /// Writes a line with this number of characters.
    Line(usize),
    /// This number of hours passes.
    Hours(i64),
    /// The clock is this number of hours behind, from now on.
    Behind(i64),
    /// Rotated files are compressed, interrupted at the given step if there is one.
    Tidy(Option<Step>),
    /// The process ends and another one starts.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1..120_usize).prop_map(Happening::Line),
        2 => (0..40_i64).prop_map(Happening::Hours),
        1 => (0..24_i64).prop_map(Happening::Behind),
        2 => prop::option::of(prop::sample::select(STEPS.to_vec())).prop_map(Happening::Tidy),
        1 => Just(Happening::Restart),
    ]
}

/// Concatenates all files in the order of their names, as an operator would.
fn together(dir: &Path) -> String {
    let mut files: Vec<(Rotated, Form)> =
        names(dir).iter().filter_map(|name| Rotated::parse(name.as_ref())).collect();
    files.sort_by_key(|(rotated, form)| (*rotated, *form == Form::Packed));
    // Between two steps both forms may exist.
    files.dedup_by_key(|(rotated, _)| *rotated);
    let mut all = String::new();
    for (rotated, form) in files {
        match form {
            Form::Plain => all += &fs::read_to_string(dir.join(rotated.plain())).unwrap(),
            Form::Packed => {
                let file = fs::File::open(dir.join(rotated.packed())).unwrap();
                flate2::read::GzDecoder::new(file).read_to_string(&mut all).unwrap();
            }
        }
    }
    all + &fs::read_to_string(dir.join("cache_manager.log")).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_events_keeps_every_line_once_and_in_order(
        happenings in prop::collection::vec(happening(), 1..60),
        max_size in 100..400_u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let start: DateTime<Utc> = Utc.with_ymd_and_hms(2026, 11, 1, 8, 0, 0).unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let place = Place::of(&config(dir.path(), &[("max_size", &format!("{max_size}B"))]));
        // Tidying happens only as one of the generated events.
        let new = || LogFile::untended(clock.clone(), place.clone());
        let mut file = new();
        let (mut hours, mut behind, mut written) = (0, 0, String::new());
        for (number, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Line(length) => {
                    let line = format!("{number} {}\n", "x".repeat(length));
                    file.append(|_| line.clone());
                    written += &line;
                    // A process that starts later takes the day of the records from the file's modification
                    // time.
                    let current = fs::File::options().write(true).open(dir.path().join("cache_manager.log")).unwrap();
                    current.set_modified(clock.now().into()).unwrap();
                }
                Happening::Hours(passed) => hours += passed,
                Happening::Behind(by) => behind = by,
                Happening::Tidy(crash) => {
                    let today = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
                    let order = Order { dir: dir.path().to_owned(), keep_days: 30, today };
                    match crash {
                        Some(step) => killed(&order, step),
                        None => prop_assert!(tidy(&order, &|_| Ok(())).is_empty()),
                    }
                }
                Happening::Restart => file = new(),
            }
            clock.set(start + chrono::TimeDelta::hours(hours - behind));
            prop_assert_eq!(&together(dir.path()), &written);
        }
    }
}
