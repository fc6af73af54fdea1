//! Histories of a daemon's life, generated from seeds, against the real schedule, queue, top-up, watch,
//! worker and store over real SQLite files, on a clock that is moved by hand. The same seed gives the same
//! history.
//!
//! Invariants that hold after every operation (a failure names the number):
//!
//! 1. Every slot of the schedule in effect is decided once: it ran, was caught up, missed, paused, or
//!    superseded. A run is never taken back, no civil date has two scheduled runs, also across another
//!    refresh time, and nothing is missed while the daemon is awake.
//! 2. No existing entry that is expected is removed by the daemon. At rest every expected entry exists, is
//!    fresh, and equals byte for byte a fresh build from the same database at the same instant.
//! 3. No group is half old, half new, also after a crash.
//! 4. No run is lost: every accepted run ends. No job is worked on by two workers at once; a job that killed
//!    its worker twice is set aside, one that was interrupted by a stop is not.
//! 5. A request is never given to a run that has read the source before.
//! 6. A source that has lost most of its rows fills nothing until an operator accepts it, or two different
//!    scheduled runs in a row saw it, at least half as far apart as their slots. When the rows are back,
//!    nothing is held any more.
//! 7. While the scheduler is stopped no automatic run begins, and a slot that passes is never run later.
//! 8. A job has no more attempts than configured, and at rest nothing is refreshed over and over.
//! 9. `last_updated` never goes back, unless the clock was set back.
//!
//! `CACHED_SIM_SEEDS=10000 cargo test -p cached-tests --test simulation` tries more seeds,
//! `CACHED_SIM_FIRST=N` begins with another one. A history that fails is shortened and written to
//! `tests/tests/simulation/reproductions/`, whose files are run first.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod actor;
mod apply;
mod daemon;
mod generate;
mod history;
mod hook;
mod jobs;
mod judge;
mod loss;
mod meddle;
mod op;
mod random;
mod rows;
mod settled;
mod slots;
mod template;
mod vms;
mod world;
mod year;

use history::{run_reproductions, try_seeds};

/// Number of seeds of an ordinary run, over all parts. They are the same in every run: what more of them would find is
/// found by the thousands of `.ci/full`, and kept as a reproduction.
const SEEDS: u64 = 200;

/// Number of parts that run in parallel.
const PARTS: u64 = 4;

#[test]
fn histories_that_failed_once_do_not_again() {
    run_reproductions();
}

#[test]
fn seeds_of_the_first_part() {
    try_part(0);
}

#[test]
fn seeds_of_the_second_part() {
    try_part(1);
}

#[test]
fn seeds_of_the_third_part() {
    try_part(2);
}

#[test]
fn seeds_of_the_fourth_part() {
    try_part(3);
}

fn try_part(part: u64) {
    let number = |name, default| std::env::var(name).map_or(default, |given| given.parse().unwrap());
    let (first, seeds) = (number("CACHED_SIM_FIRST", 0), number("CACHED_SIM_SEEDS", SEEDS));
    try_seeds((first..first + seeds).filter(|seed| seed % PARTS == part));
}
