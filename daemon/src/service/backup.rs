//! `maintenance backup`: sends a copy of VMS's database.

use std::io::Read as _;

use base16ct::lower::encode_string;
use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::Response;
use cached_proto::verb::backup::{BackupDone, BackupEvent, BackupReply};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::fault::fault;
use super::{Caller, Service};
use crate::maintenance::{Maintenance, Ordered, Outgoing, TaskProgress};

/// Bytes per event.
const PART: u64 = 1 << 20;

/// Events that are read ahead of the client.
const AHEAD: usize = 2;

/// The copy for one client: first its making, then its bytes.
#[derive(Debug)]
pub(crate) struct Sending {
    ordered: Ordered,
    parts: Option<mpsc::Receiver<Response>>,
    stop: CancellationToken,
}

/// Returns what will be copied.
pub(crate) fn backup(service: &Service) -> BackupReply {
    BackupReply { database: service.refresh.borrow().vms.path().display().to_string() }
}

/// Starts the copy. It is aborted when the client disconnects.
pub(crate) fn begin(service: &Service, caller: &Caller) -> Result<Sending, Fault> {
    let mut ordered = Maintenance::start_copy(&service.maintenance)?;
    // The current step is sent first.
    ordered.progressed.mark_changed();
    info!("Backup of VMS's database requested by {caller}");
    Ok(Sending { ordered, parts: None, stop: service.maintenance.stopper().clone() })
}

impl Sending {
    /// The next event; `None` when the daemon stops. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Response> {
        loop {
            if let Some(parts) = &mut self.parts {
                // There is always a next part: without this, a slow client would put off the stop of the daemon.
                return tokio::select! {
                    biased;
                    () = self.stop.cancelled() => None,
                    part = parts.recv() => part,
                };
            }
            self.ordered.progressed.changed().await.ok()?;
            let progressed = self.ordered.progressed.borrow_and_update().clone();
            match progressed {
                TaskProgress::Step(step) => return Some(Response::Backup(BackupEvent::Step(step))),
                TaskProgress::Ended(Err(error)) => {
                    return Some(Response::Answer(Err(Fault::from(&*error))));
                }
                TaskProgress::Ended(Ok(_)) => self.parts = Some(parts(self.ordered.copy.try_recv().ok()?)),
            }
        }
    }
}

/// Reads the copy in the background; it ends, and with it the copy, when the receiver is dropped.
fn parts(mut copy: Outgoing) -> mpsc::Receiver<Response> {
    let (sender, parts) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut digest = Sha256::new();
        let end = loop {
            let mut part = Vec::new();
            match (&mut copy.file).take(PART).read_to_end(&mut part) {
                Ok(0) => break done(&copy, digest),
                Ok(_) => {}
                Err(error) => break Response::Answer(Err(unreadable(&error))),
            }
            digest.update(&part);
            if sender.blocking_send(Response::Backup(BackupEvent::Part(part.into()))).is_err() {
                return;
            }
        };
        // A client that is gone does not need it.
        let _ = sender.blocking_send(end);
    });
    parts
}

fn done(copy: &Outgoing, digest: Sha256) -> Response {
    let sha256 = encode_string(&digest.finalize());
    Response::Backup(BackupEvent::Done(BackupDone { bytes: copy.bytes, sha256, report: copy.report.clone() }))
}

fn unreadable(error: &std::io::Error) -> Fault {
    let message = format!("the copy cannot be read: {error}");
    fault(FaultCode::Internal, &message, "check the disk of the state directory, then try again")
}
