//! Computes and serializes the sections of a table on two blocking threads, ahead of the writer.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::RefreshError;
use super::compute::TableRefresh;
use crate::clock::Clock;
use crate::describe::panic_message;
use crate::reports::Group;
use crate::store::{GroupSerializer, SerializedGroup};
use crate::vms::tables::spec;

/// Time spent on a table, by step. The steps overlap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Serializing them.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}

/// Serialized groups ahead of the writer: while it waits for the disk, as many become ready as it writes at once.
pub(super) const GROUPS_AHEAD: usize = 3;

/// The sections of a table at these positions, one after another: this thread computes their groups, and a second one
/// serializes them. Ends early when nobody takes them any more.
pub(super) fn build(
    job: &TableRefresh,
    clock: &dyn Clock,
    sections: &[usize],
    ready: &mpsc::Sender<SerializedGroup>,
) -> Result<Timings, RefreshError> {
    let builder = job.report.builder(job.context());
    std::thread::scope(|scope| {
        // Inside, so that a report that panics closes it, and the second thread ends. Without a buffer, which would only take
        // memory: while one group is serialized the next one is computed, and the two take about as long as each other.
        let (computed, groups) = std::sync::mpsc::sync_channel(0);
        let serializing = scope.spawn(|| serialize(job, clock, groups, ready));
        let (mut build, mut began) = (Duration::ZERO, clock.monotonic());
        for group in sections.iter().flat_map(|&section| builder(section)) {
            build += clock.monotonic().saturating_sub(began);
            if computed.send(group).is_err() {
                break;
            }
            began = clock.monotonic();
        }
        drop(computed);
        let serialize = serializing.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(Timings { build, serialize, write: Duration::ZERO })
    })
}

/// Serializes groups in the order in which they come; returns the time spent on it.
fn serialize<'s>(
    job: &TableRefresh,
    clock: &dyn Clock,
    groups: impl IntoIterator<Item = Group<'s>>,
    ready: &mpsc::Sender<SerializedGroup>,
) -> Result<Duration, RefreshError> {
    let (mut serializer, mut spent) = (GroupSerializer::default(), Duration::ZERO);
    for group in groups {
        let began = clock.monotonic();
        let group = serializer.serialize(spec(job.table), &group)?;
        spent += clock.monotonic().saturating_sub(began);
        if ready.blocking_send(group).is_err() {
            break;
        }
    }
    Ok(spent)
}

/// Calls reports on a blocking thread, so that the other tasks of the runtime continue, and turns a panic into
/// an error.
pub(crate) async fn off_thread<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RefreshError> {
    tokio::task::spawn_blocking(call).await.map_err(panicked)
}

/// The error of a report that was called on a blocking thread.
pub(super) fn panicked(error: JoinError) -> RefreshError {
    let message = error.try_into_panic().map(|payload| panic_message(payload.as_ref()));
    RefreshError::Panicked(message.unwrap_or_else(|_| "no message".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error_with_its_message() {
        assert_eq!(off_thread(|| 7).await.unwrap(), 7);
        let broken = || -> () { panic!("index {} out of bounds", 3) };
        let error = off_thread(broken).await.unwrap_err();
        assert!(error.to_string().contains("index 3 out of bounds"));
        let broken = || -> () { std::panic::panic_any(3) };
        assert!(off_thread(broken).await.unwrap_err().to_string().contains("no message"));
    }
}
