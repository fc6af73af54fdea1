//! What is announced: that there may be work, and every change of runs and of the scheduler. Who follows a
//! run gets its current state first, then every change.

use cached_proto::verb::history::Run;
use cached_proto::verb::refresh::Progress;
use cached_proto::words::{Phase, SchedulerState};
use tokio::sync::{broadcast, watch};

use super::Queue;
use super::model::QueueError;

/// A follower was too slow and missed events; it has to subscribe again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events were missed by a slow reader; follow the run again")]
pub struct FellBehind {
    /// Number of missed events.
    pub missed: u64,
}

/// A subscription to the changes of one run.
#[derive(Debug)]
pub struct Following {
    run: i64,
    /// The run, if it had ended before the subscription.
    ended: Option<Run>,
    events: Option<broadcast::Receiver<Progress>>,
}

impl Queue {
    /// Subscribes to notifications of possible work. Subscribe before the first [`claim`](Self::claim): then
    /// nothing that is queued after an empty claim is missed.
    pub fn work(&self) -> Work {
        Work(self.work.subscribe())
    }

    pub(super) fn announce_work(&self) {
        self.work.send_replace(());
    }

    /// Publishes an event. Call it after the commit: followers must not see a change that may still be rolled
    /// back.
    pub(super) fn announce(&self, event: Progress) {
        // `send` fails only when there are no followers.
        let _ = self.events.send(event);
    }

    /// Publishes that the scheduler was started or stopped to the subscribers of all changes.
    pub(crate) fn announce_scheduler(&self, state: SchedulerState) {
        self.announce(Progress::Scheduler(state));
    }

    /// Subscribes to every change of every run and of the scheduler from now on; a receiver that falls behind
    /// loses the oldest events.
    pub(crate) fn events(&self) -> broadcast::Receiver<Progress> {
        self.events.subscribe()
    }

    /// Returns the current state of a run and a subscription to every later change. An event that the
    /// returned state already includes may be delivered once more; none is left out.
    pub async fn subscribe(&self, run: i64) -> Result<(Run, Following), QueueError> {
        // Before the snapshot is read, so that no change falls in between.
        let events = self.events.subscribe();
        let snapshot = self.run(run).await?;
        let ended = matches!(snapshot.phase, Phase::Done | Phase::Cancelled).then(|| snapshot.clone());
        Ok((snapshot, Following { run, ended, events: Some(events) }))
    }
}

impl Following {
    /// Returns the next change. [`Progress::RunDone`] is the last one; after it, `None` is returned.
    pub async fn next(&mut self) -> Result<Option<Progress>, FellBehind> {
        if let Some(run) = self.ended.take() {
            self.events = None;
            return Ok(Some(Progress::RunDone(run)));
        }
        loop {
            let Some(events) = &mut self.events else { return Ok(None) };
            match events.recv().await {
                Ok(event) if event.run() == Some(self.run) => {
                    if matches!(event, Progress::RunDone(_)) {
                        self.events = None;
                    }
                    return Ok(Some(event));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => return Err(FellBehind { missed }),
                Err(broadcast::error::RecvError::Closed) => self.events = None,
            }
        }
    }
}

/// A subscription to newly queued work.
#[derive(Debug)]
pub struct Work(watch::Receiver<()>);

impl Work {
    /// Waits until something is queued; returns at once if that happened since the last call. Returns false
    /// when the queue has been dropped.
    pub async fn arrived(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}
