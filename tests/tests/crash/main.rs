//! `kill -9` at any moment of the daemon's life loses nothing: no row, no half of a group, no accepted run.
//!
//! `CACHED_KILLS` sets the number of kills over both journal modes, `CACHED_SEED` repeats a sequence of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod entries;
mod reader;
mod remains;
mod source;

use std::thread;
use std::time::Duration;

use cached_tests::daemon::Daemon;
use cached_tests::inside::Sample;
use cached_tests::rng::Rng;
use cached_tests::scratch::{all_rows, difference, from_scratch};
use cached_tests::vms::Other;

use crate::entries::{Entries, partition};
use crate::reader::Reader;
use crate::remains::{Hits, remains};
use crate::source::Source;

const CONFIGURATION: &str = "[vms]\ntimezone = \"America/Chicago\"\n[http]\nlisten = \"\"\n";

/// One in this many kills comes while the daemon is still starting.
const STARTS: usize = 6;

/// At most so many times the chosen number of kills, until most of them have come at the right time.
const MOST: usize = 5;

#[test]
fn a_write_ahead_log_survives_kills() {
    survives("WAL");
}

#[test]
fn a_rollback_journal_survives_kills() {
    survives("DELETE");
}

/// Returns the number of kills in one journal mode.
fn kills() -> usize {
    std::env::var("CACHED_KILLS").map_or(60, |kills| kills.parse().unwrap()) / 2
}

fn survives(journal: &str) {
    let mut rng = Rng::printed(journal);
    let sample = Sample::today(11, 1);
    let vms = Other::open(&sample.database());
    vms.execute(&format!("PRAGMA journal_mode = {journal}"));
    let mut source = Source::new(&vms);
    let daemon = start(&sample);
    daemon.idle();
    source.renew();
    let mut whole = refreshed(&daemon);
    assert_eq!(daemon.stop(), Some(0));
    let mut entries = Entries::new(partition(&sample));
    entries.check(&vms, "before any kill");
    assert!(entries.tables() >= 9, "the sample fills {} tables only", entries.tables());

    let reader = Reader::start(&sample.database(), partition(&sample));
    let (mut accepted, mut hits) = (Vec::<i64>::new(), Hits::default());
    // However busy the machine is: until most kills have come while a run was in progress.
    while hits.kills() < kills() || !hits.are_most() {
        let kill = hits.kills();
        assert!(kill < MOST * kills(), "timed out for kills while a run is in progress: {hits}");
        source.renew();
        let daemon = Daemon::spawn(sample.directory(), CONFIGURATION);
        let asks = rng.below(STARTS) > 0;
        if asks {
            daemon.answers();
            let asked = daemon.json(&["refresh", "--force", "--no-wait"]);
            accepted.push(asked["run"].as_str().unwrap().parse().unwrap());
        }
        thread::park_timeout(whole.mul_f64(rng.share()));
        drop(daemon);
        let remains = remains(&sample);
        if asks {
            // A refresh takes longer on a busier machine: after a kill that came too late, the next one comes
            // sooner.
            whole = whole.mul_f64(if remains.is_of_a_run() { 1.02 } else { 0.9 });
        }
        hits.count(asks, &remains);
        entries.check(&vms, &format!("kill {kill}"));
    }
    println!("{journal}: {hits}; a whole refresh takes {whole:.2?}");

    let daemon = start(&sample);
    daemon.idle();
    is_accounted_for(&daemon, &accepted);
    source.renew();
    refreshed(&daemon);
    entries.check(&vms, "after all kills");
    let status = daemon.json(&["status"]);
    for table in status["tables"].as_array().unwrap() {
        let state = table["state"].as_str().unwrap();
        assert!(["fresh", "off"].contains(&state), "{table}");
    }
    assert_eq!(daemon.stop(), Some(0));
    println!("{journal}: {}", reader.end());
    drop(vms);
    assert_eq!(difference(&all_rows(&sample), &from_scratch(&sample)), None, "kills left traces");
}

fn start(sample: &Sample) -> Daemon {
    let daemon = Daemon::spawn(sample.directory(), CONFIGURATION);
    daemon.answers();
    daemon
}

/// Refreshes everything, and returns how long it took.
fn refreshed(daemon: &Daemon) -> Duration {
    let run = daemon.json(&["refresh", "--force"]);
    let outcomes = run["tables"].as_array().unwrap().iter().map(|table| table["outcome"].as_str().unwrap());
    assert!(
        outcomes.clone().all(|outcome| ["rebuilt", "mixed", "verified", "off"].contains(&outcome)),
        "{run}"
    );
    assert!(outcomes.clone().filter(|outcome| ["rebuilt", "mixed"].contains(outcome)).count() >= 9, "{run}");
    Duration::from_secs_f64(run["seconds"].as_f64().unwrap())
}

/// Checks that every run accepted over the socket has ended, and that every table of it has an outcome. A job
/// that was killed twice is set aside with its history, which is an outcome, too.
fn is_accounted_for(daemon: &Daemon, accepted: &[i64]) {
    let history = daemon.json(&["history", "--since", "7d"]);
    let runs = history["runs"].as_array().unwrap();
    for id in accepted {
        let run = runs.iter().find(|run| run["id"] == *id);
        assert!(run.is_some(), "run {id} was accepted and is lost");
        let run = run.unwrap();
        assert_eq!(run["phase"], "done", "{run}");
        for job in run["jobs"].as_array().unwrap() {
            assert!(job["outcome"].is_string(), "{job}");
            if job["outcome"] == "failed" {
                assert!(job["error"].as_str().unwrap().contains("set aside"), "{job}");
                // Attempts come with one job, not with a list.
                let one = daemon.json(&["job", &job["id"].to_string()]);
                assert!(one["job"]["attempts"].as_array().unwrap().len() >= 2, "{one}");
            }
        }
    }
}
