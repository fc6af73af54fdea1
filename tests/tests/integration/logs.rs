//! Contents of the log, and `cachectl logs`.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::{Child, Command, Stdio};

use cached_tests::binary::{cachectl, run};
use cached_tests::daemon::Daemon;
use cached_tests::golden::Golden;
use cached_tests::wait;

/// Rotated after every few lines; the configuration continues in section log.
const SMALL: &str = "max_size = \"1KB\"\n";

fn text(daemon: &Daemon, arguments: &[&str]) -> String {
    let ran = daemon.ctl(&[&["logs"], arguments].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

/// A client that follows the log, and its output so far.
struct Follower {
    child: Child,
    output: std::path::PathBuf,
}

impl Follower {
    fn start(golden: &Golden, daemon: &Daemon, arguments: &[&str]) -> Self {
        let output = golden.directory().join("followed");
        let mut command = cachectl();
        command.args(["logs", "-f"]).args(arguments).arg("--socket").arg(daemon.socket());
        let child = command.stdout(File::create(&output).unwrap()).stderr(Stdio::null()).spawn().unwrap();
        Self { child, output }
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_three_documented_greps_find_completed_failed_and_timed_lines() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let log = golden.directory().join("log/cache_manager.log");
    let grep = |pattern: &str| -> Vec<String> {
        let found = run(Command::new("grep").arg(pattern).arg(&log));
        found.stdout.lines().map(str::to_owned).collect()
    };
    assert_eq!(grep("Cache refresh completed").len(), 1);
    assert_eq!(grep("took.*seconds").len(), 11);
    assert_eq!(grep("ERROR"), Vec::<String>::new());
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let (time, rest) = line.split_at(23);
        assert!(time.as_bytes()[19] == b',' && rest.starts_with(" - cached"), "{line}");
    }

    let away = golden.directory().join("away.db");
    std::fs::rename(golden.database(), &away).unwrap();
    assert_eq!(daemon.ctl(&["refresh", "district", "--force"]).code, Some(1));
    let errors = grep("ERROR");
    assert!(errors.iter().any(|line| line.contains(" - ERROR - Cache refresh failed: ")), "{errors:?}");
    assert_eq!(grep("Cache refresh completed").len(), 1, "a failed run has not completed");
    std::fs::rename(&away, golden.database()).unwrap();
    assert_eq!(daemon.ctl(&["refresh", "district", "--force"]).code, Some(0));
    let completed = grep("Cache refresh completed");
    assert_eq!(completed.len(), 2);
    for line in completed {
        assert!(line.contains(" - INFO - Cache refresh completed successfully in "), "{line}");
        assert!(line.ends_with(" seconds"), "{line}");
    }
}

#[test]
fn logs_of_a_run_include_rotated_and_compressed_files() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, SMALL);
    daemon.idle();
    let forced = daemon.json(&["refresh", "district", "--force"]);
    let id = forced["run"].as_str().unwrap();
    let packed = || {
        let entries = std::fs::read_dir(golden.directory().join("log")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".log.gz")).count()
    };
    wait::until("files are compressed", || (packed() > 0).then_some(()));

    let lines = text(&daemon, &["--run", id]);
    assert_eq!(lines.lines().filter(|line| line.contains(" took ")).count(), 2, "{lines}");
    assert_eq!(lines.lines().filter(|line| line.contains("Cache refresh completed")).count(), 1, "{lines}");
    assert!(lines.lines().all(|line| line.contains(&format!("::{id} - "))), "{lines}");

    let all = text(&daemon, &["--since", "1h"]);
    assert!(all.lines().next().unwrap().contains("starts, process"), "{all}");
    assert_eq!(all.lines().filter(|line| line.contains("Cache refresh completed")).count(), 2, "{all}");
    // Who has read it is the newest line of the next reading.
    let asked = text(&daemon, &["-n", "3"]);
    let asked: Vec<&str> = asked.lines().rev().collect();
    assert!(asked[0].contains("The log is read by user "), "{asked:?}");
    assert_eq!(asked[1..], all.lines().rev().take(2).collect::<Vec<_>>());

    for line in text(&daemon, &["--run", id, "--json"]).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["run"], id, "{line}");
        for key in ["time", "target", "level", "message"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
    }
}

#[test]
fn a_follower_gets_every_line_once_across_rotation() {
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, SMALL);
    daemon.idle();
    let follower = Follower::start(&golden, &daemon, &["--since", "1h"]);
    wait::until("the past is printed", || {
        follower.printed().contains("Cache refresh completed").then_some(())
    });
    for _ in 0..2 {
        assert_eq!(daemon.ctl(&["refresh", "--force"]).code, Some(0));
    }
    daemon.idle();
    let all = text(&daemon, &["--since", "1h"]);
    assert!(all.matches("Cache refresh completed").count() >= 3, "{all}");
    wait::until("the rest is printed", || (follower.printed().len() >= all.len()).then_some(()));
    // That the log was read for this comparison is a line more.
    assert!(follower.printed().starts_with(&all), "{} is not the beginning of {}", all, follower.printed());
    // The client is notified of the end, and does not wait for ever.
    assert_eq!(daemon.stop(), Some(0));
    let mut follower = follower;
    assert_eq!(cached_tests::binary::end("the client that follows", &mut follower.child).code(), Some(1));
}

#[test]
fn reading_a_log_of_100_mb_costs_the_daemon_less_than_24_mb_of_memory() {
    const LINES: usize = 100_000;
    // Most kilobytes that one reading may cost: what is read ahead, and what the allocator has not given back.
    const MOST: u64 = 24 * 1024;
    let golden = Golden::unpack("tiny1");
    let daemon = Daemon::start(&golden, "");
    daemon.idle();
    let rotated = golden.directory().join("log/cache_manager_20260101.log");
    let mut rotated = BufWriter::new(File::create_new(rotated).unwrap());
    let message = "a line of the past ".repeat(50);
    for number in 0..LINES {
        writeln!(rotated, "2026-01-01 00:00:00,000 - cached - INFO - {number} {message}").unwrap();
    }
    rotated.flush().unwrap();
    // From here on the kernel's peak is of this reading, and not of the refresh before it.
    std::fs::write(format!("/proc/{}/clear_refs", daemon.pid()), "5").unwrap();
    let before = peak(&daemon);
    let mut client = cachectl();
    client.args(["logs", "-n", &LINES.to_string(), "--socket"]).arg(daemon.socket());
    let mut client = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut printed = BufReader::new(client.stdout.take().unwrap()).lines();
    let first = printed.next().unwrap().unwrap();
    assert!(first.contains("a line of the past"), "{first}");
    // The daemon has read ahead what it may, and waits.
    wait::until("the daemon answers beside it", || (daemon.health()["health"] == "healthy").then_some(()));
    assert_eq!(printed.map(Result::unwrap).count(), LINES - 1);
    assert!(cached_tests::binary::end("the client", &mut client).success());
    // The kernel adds its counters of each processor only now and then: a peak may be printed as a little less than before.
    let cost = peak(&daemon).saturating_sub(before);
    assert!(cost < MOST, "reading the log took {cost} kB");
}

/// The most memory that the daemon has had since its peak was last reset, in kilobytes.
fn peak(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}
