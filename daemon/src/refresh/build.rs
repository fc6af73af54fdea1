//! Builds and serializes the sections of a table on blocking threads, ahead of the writer.

use std::num::NonZeroUsize;
use std::ops::Add;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::vec;

use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::RefreshError;
use super::compute::TableRefresh;
use crate::clock::Clock;
use crate::describe::panic_message;
use crate::store::{GroupSerializer, SerializedGroup};
use crate::vms::tables::spec;

/// Time spent on a table, by step; of several threads at once, the sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Computing payloads.
    pub build: Duration,
    /// Serializing them.
    pub serialize: Duration,
    /// Comparing and writing.
    pub write: Duration,
}

impl Add for Timings {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            build: self.build + other.build,
            serialize: self.serialize + other.serialize,
            write: self.write + other.write,
        }
    }
}

/// Groups that are built ahead of the writer: while it waits for the disk, as many become ready as it writes at once.
/// Memory holds few of them.
const GROUPS_AHEAD: usize = 3;

/// The sections that a builder is to build.
pub(super) struct Orders {
    /// Their positions in the report's list, and where each one's groups go.
    sections: Vec<(usize, mpsc::Sender<SerializedGroup>)>,
    /// Takes one for each section that is begun, and blocks while too many of them have not been taken.
    begun: SyncSender<()>,
}

/// What it has built: the groups of one section after another. Dropping it stops the builder.
pub(super) struct Built {
    sections: vec::IntoIter<mpsc::Receiver<SerializedGroup>>,
    current: Option<mpsc::Receiver<SerializedGroup>>,
    begun: Receiver<()>,
}

/// The orders for the sections at these positions, which so many threads will build, and what comes of them.
pub(super) fn order(sections: impl Iterator<Item = usize>, threads: NonZeroUsize) -> (Orders, Built) {
    let (begins, begun) = std::sync::mpsc::sync_channel(threads.get() + GROUPS_AHEAD);
    let section = |section| {
        let (groups, built) = mpsc::channel(GROUPS_AHEAD);
        ((section, groups), built)
    };
    let (sections, built): (Vec<_>, Vec<_>) = sections.map(section).unzip();
    let built = Built { sections: built.into_iter(), current: None, begun };
    (Orders { sections, begun: begins }, built)
}

impl Built {
    /// The next group; `None` after the last one, or after an error of the builder.
    pub(super) async fn next(&mut self) -> Option<SerializedGroup> {
        loop {
            let current = match &mut self.current {
                Some(current) => current,
                none => none.insert(self.sections.next()?),
            };
            if let Some(group) = current.recv().await {
                return Some(group);
            }
            self.current = None;
            // The section was begun, unless the builder has ended.
            let _ = self.begun.try_recv();
        }
    }
}

/// Builds and serializes sections, several at once but begun in their order: whoever takes the groups of one section
/// after another never waits for a section that waits for him. Ends early when nobody takes them any more.
pub(super) fn build(job: &TableRefresh, clock: &dyn Clock, orders: Orders) -> Result<Timings, RefreshError> {
    let Orders { sections, begun } = orders;
    let threads = job.threads.get().min(sections.len());
    let builder = job.report.builder(job.context());
    let queue = Mutex::new(sections.into_iter());
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == 0 {
            return None;
        }
        // Under the lock: a later section that is begun in the place of an earlier one could wait for it for ever.
        begun.send(()).ok()?;
        queue.next()
    };
    let work = || -> Result<Timings, RefreshError> {
        let (mut timings, mut serializer) = (Timings::default(), GroupSerializer::default());
        while let Some((section, groups)) = next() {
            let mut began = clock.monotonic();
            for group in builder(section) {
                let ready = clock.monotonic();
                timings.build += ready.saturating_sub(began);
                // On an error the other threads finish their sections; the ones after them are never begun.
                let group = serializer.serialize(spec(job.table), &group);
                let group = group.inspect_err(|_| while next().is_some() {})?;
                timings.serialize += clock.monotonic().saturating_sub(ready);
                if groups.blocking_send(group).is_err() {
                    while next().is_some() {}
                    return Ok(timings);
                }
                began = clock.monotonic();
            }
        }
        Ok(timings)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            let timings = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            all = all.and_then(|all| Ok(all + timings?));
        }
        all
    })
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
