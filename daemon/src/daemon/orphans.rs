//! Reaps processes that nobody waits for. As process 1 of a container, the daemon becomes the parent of what a
//! command of the operator's leaves running, and each would stay in the process table for ever.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::heartbeat::Heartbeat;
use crate::plain_file;

/// Pause between two looks. The daemon's own children are waited for as soon as they end, so a child that has
/// ended before one look and is still there at the next one is nobody's.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until dropped.
pub(super) async fn reap(heartbeat: Heartbeat) {
    let mut before = BTreeSet::new();
    loop {
        heartbeat.nap(PAUSE).await;
        let ended = tokio::task::spawn_blocking(ended_children).await.unwrap_or_default();
        for pid in before.intersection(&ended).filter_map(|&pid| Pid::from_raw(pid)) {
            // An error means that it was waited for after all.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        before = ended;
    }
}

/// The children of this process that have ended and were not waited for.
fn ended_children() -> BTreeSet<i32> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has_ended = |pid: &i32| {
        let stat = plain_file::read_system(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before the last parenthesis may contain anything.
        let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(&*own)
    };
    pids.filter(has_ended).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    #[tokio::test]
    #[expect(clippy::zombie_processes, reason = "that is what it tests")]
    async fn a_child_that_ended_is_reaped_at_the_second_look_and_a_running_one_is_not() {
        let manual = Arc::new(ManualClock::new(chrono::DateTime::UNIX_EPOCH));
        let clock: Arc<dyn Clock> = manual.clone();
        let mut runs = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let orphan = Command::new("/bin/true").spawn().unwrap();
        let id = i32::try_from(orphan.id()).unwrap();
        let ending = async {
            while !ended_children().contains(&id) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), ending).await.expect("the child does not end");
        let reaping = tokio::spawn(reap(Heartbeat::new("orphans", &clock)));
        for is_there in [true, false] {
            manual.sleeping(1).await;
            manual.advance(PAUSE);
            manual.sleeping(1).await;
            assert_eq!(ended_children().contains(&id), is_there);
        }
        assert_eq!(runs.try_wait().unwrap(), None);
        runs.kill().unwrap();
        runs.wait().unwrap();
        reaping.abort();
    }
}
