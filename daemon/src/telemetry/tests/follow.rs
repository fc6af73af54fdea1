//! Tests of reading the log while it is written.

use super::super::read::{Piece, Wanted};
use super::*;

const ALL: Wanted = Wanted { run: None, since: None, newest: None };

impl Logging {
    fn past(&self, wanted: Wanted) -> Vec<String> {
        let mut texts = Vec::new();
        let reading = self.telemetry.logs().open(wanted).unwrap().unwrap();
        reading.past.read(
            || false,
            |piece| match piece {
                Piece::Line(line) => texts.push(line.text.rsplit(" - ").next().unwrap().to_owned()),
                Piece::Unreadable(why) => texts.push(why),
            },
        );
        texts
    }
}

/// Logs lines 1 to 9, one an hour, into many files of all forms; odd numbers are of run 12, even ones of run 2.
fn filled() -> Logging {
    let logging = logging(&[("max_size", "170B")]);
    logging.log(|| {
        for number in 1..=9 {
            info!(run_id = if number % 2 == 1 { 12 } else { 2_i64 }, "{number}");
            logging.clock.advance(Duration::from_hours(1));
        }
    });
    assert!(logging.names().len() > 3);
    logging
}

#[test]
fn past_lines_are_read_across_all_files_and_filtered() {
    let logging = filled();
    // Nine hours after the first line, which was 123 ms after the hour.
    let ago = |hours| Some(logging.clock.now() - chrono::TimeDelta::hours(hours));
    for (wanted, lines) in [
        (ALL, "1 2 3 4 5 6 7 8 9"),
        (Wanted { newest: Some(4), ..ALL }, "6 7 8 9"),
        (Wanted { newest: Some(0), ..ALL }, ""),
        (Wanted { newest: Some(99), ..ALL }, "1 2 3 4 5 6 7 8 9"),
        (Wanted { run: Some(12), ..ALL }, "1 3 5 7 9"),
        (Wanted { run: Some(1), ..ALL }, ""),
        (Wanted { run: Some(2), newest: Some(2), ..ALL }, "6 8"),
        (Wanted { since: ago(3), ..ALL }, "7 8 9"),
        (Wanted { since: ago(3), run: Some(2), newest: Some(1) }, "8"),
        (Wanted { since: ago(1000), ..ALL }, "1 2 3 4 5 6 7 8 9"),
    ] {
        assert_eq!(logging.past(wanted).join(" "), lines, "{wanted:?}");
    }
}

#[test]
fn two_files_with_the_same_number_are_both_read() {
    let logging = filled();
    logging.telemetry.tidied();
    let packed = logging.names().into_iter().find(|name| name.ends_with(".log.gz")).unwrap();
    let plain = logging.path().join(packed.trim_end_matches(".gz"));
    let last = std::fs::read_to_string(logging.path().join("cache_manager.log")).unwrap();
    let moved = last.lines().next().unwrap().rsplit_once(" - ").unwrap().0.to_owned() + " - moved\n";
    std::fs::write(&plain, moved).unwrap();
    let mut lines = logging.past(ALL);
    assert_eq!(lines.iter().filter(|line| *line == "moved").count(), 1, "{lines:?}");
    lines.retain(|line| line != "moved");
    assert_eq!(lines.join(" "), "1 2 3 4 5 6 7 8 9");

    // Both forms with the same records count as one file, whose compression was interrupted.
    let zcat = std::process::Command::new("zcat").arg(logging.path().join(&packed)).output().unwrap();
    std::fs::write(&plain, zcat.stdout).unwrap();
    assert_eq!(logging.past(ALL).join(" "), "1 2 3 4 5 6 7 8 9");
}

/// The runbook's name for a file that is moved away by hand: the day, and the seconds since 1970 as its
/// number.
#[test]
fn a_file_moved_by_hand_is_read_and_tidied_like_a_rotated_one() {
    let logging = logging(&[("max_size", "100B")]);
    logging.log(|| info!("1"));
    let moved = format!("cache_manager_20261101.{}.log", logging.clock.now().timestamp());
    std::fs::rename(logging.path().join("cache_manager.log"), logging.path().join(&moved)).unwrap();
    // Files rotated later sort after it.
    logging.log(|| (2..=4).for_each(|n| info!("{n}")));
    assert!(logging.names().contains(&format!("{moved}.gz")), "{:?}", logging.names());
    assert_eq!(logging.past(ALL).join(" "), "1 2 3 4");
}

#[tokio::test]
async fn no_line_is_lost_or_repeated_between_past_and_live() {
    let logging = logging(&[("max_size", "150B")]);
    logging.log(|| (1..=5).for_each(|n| info!("{n}")));
    let reading = logging.telemetry.logs().open(ALL).unwrap().unwrap();
    logging.log(|| (6..=9).for_each(|n| info!("{n}")));
    // Waits until past files are rotated and compressed.
    logging.telemetry.tidied();
    let mut received = Vec::new();
    let mut keep = |text: &str| received.push(text.rsplit(" - ").next().unwrap().to_owned());
    reading.past.read(
        || false,
        |piece| match piece {
            Piece::Line(line) => keep(&line.text),
            Piece::Unreadable(why) => keep(&why),
        },
    );
    let mut live = reading.live;
    for _ in 6..=9 {
        keep(&live.next().await.unwrap().unwrap().text);
    }
    assert_eq!(received.join(" "), "1 2 3 4 5 6 7 8 9");
}

#[tokio::test]
async fn a_slow_reader_of_the_live_log_gets_an_error_and_does_not_block_logging() {
    let logging = logging(&[("max_size", "100MB")]);
    let mut live = logging.telemetry.logs().open(ALL).unwrap().unwrap().live;
    logging.log(|| (0..10_000).for_each(|n| info!("{n}")));
    assert!(live.next().await.is_err());
    assert_eq!(logging.messages("cache_manager.log").len(), 10_000);
}

#[test]
fn a_broken_file_is_reported_and_the_others_are_read() {
    let logging = filled();
    let name = logging.names().into_iter().find(|name| is_packed(name)).unwrap();
    fs::write(logging.path().join(&name), "garbage").unwrap();
    let past = logging.past(ALL);
    assert_eq!(past.iter().filter(|text| text.contains(name.trim_end_matches(".gz"))).count(), 1, "{past:?}");
    assert_eq!(past.last().unwrap(), "9");
}

#[test]
fn the_target_of_a_link_is_not_read() {
    let logging = filled();
    let secret = logging.dir.path().join("secret");
    fs::write(&secret, "secret\n").unwrap();
    std::os::unix::fs::symlink(&secret, logging.path().join("cache_manager_20261031.log")).unwrap();
    assert_eq!(logging.past(ALL).join(" "), "1 2 3 4 5 6 7 8 9");
    fs::remove_file(logging.path().join("cache_manager.log")).unwrap();
    std::os::unix::fs::symlink(&secret, logging.path().join("cache_manager.log")).unwrap();
    assert!(logging.telemetry.logs().open(ALL).unwrap().is_err());
}

/// Only files that were written here are logs, whatever their names.
#[test]
fn a_file_that_does_not_begin_like_a_log_is_reported_and_not_read() {
    for name in ["cache_manager_20261031.log", "cache_manager_20261031.log.gz", "cache_manager.log"] {
        let logging = filled();
        let mut secret = b"SQLite format 3\0\nscrypt:32768:8:1$SALT$HASH\n".to_vec();
        if is_packed(name) {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &secret).unwrap();
            secret = encoder.finish().unwrap();
        }
        fs::write(logging.path().join(name), secret).unwrap();
        for wanted in [ALL, Wanted { newest: Some(100_000), ..ALL }] {
            let past = logging.past(wanted);
            assert!(past.iter().any(|text| text.contains("does not begin like a log")), "{name}: {past:?}");
            assert!(!past.iter().any(|text| text.contains("scrypt")), "{name}: {past:?}");
            assert!(past.contains(&"1".to_owned()), "{name}: {past:?}");
        }
    }
}

#[test]
fn without_a_directory_there_is_nothing_to_read() {
    let logging = logging(&[("dir", "")]);
    assert!(logging.telemetry.logs().open(ALL).is_none());
    assert_eq!(logging.telemetry.logs().path(), None);
}

#[test]
fn a_line_of_another_program_is_one_line_without_a_run() {
    let logging = logging(&[]);
    logging.log(|| info!("ours"));
    let log = fs::File::options().append(true).open(logging.path().join("cache_manager.log")).unwrap();
    std::io::Write::write_all(&mut &log, b"\xff\x1b[2J\ncut off").unwrap();
    assert_eq!(logging.past(ALL), ["ours", "\u{fffd}\\u{1b}[2J", "cut off"]);
    assert!(logging.past(Wanted { run: Some(1), ..ALL }).is_empty());
}
