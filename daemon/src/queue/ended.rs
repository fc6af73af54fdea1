//! Hearing of every run that ends.

use cached_proto::verb::refresh::Progress;
use tokio::sync::broadcast;

use super::Queue;

/// The ends of runs.
#[derive(Debug)]
pub struct Ended(broadcast::Receiver<Progress>);

impl Queue {
    /// Tells when runs end, from now on.
    pub fn ended(&self) -> Ended {
        Ended(self.events.subscribe())
    }
}

impl Ended {
    /// Waits until a run ends. Several that end while nobody waits may count as one.
    pub async fn next(&mut self) {
        loop {
            match self.0.recv().await {
                // What was missed may have been an end.
                Ok(Progress::RunDone(_)) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
