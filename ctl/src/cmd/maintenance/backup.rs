//! `maintenance backup`: writes the copy that the daemon sends.

use std::path::Path;

use cached_proto::client::ClientError;
use cached_proto::message::Reply;
use cached_proto::verb::backup::{BackupDone, BackupEvent, hexadecimal};
use cached_proto::verb::maintenance::MaintenanceReport;
use cached_proto::verb::refresh::Progress;
use futures_util::StreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;

use super::render;
use super::target::Target;
use crate::context::Context;
use crate::error::CtlError;
use crate::exit::Exit;
use crate::output::progress::Display;
use crate::output::{self, json, note};

/// Writes a copy to a file that must not exist, or to standard output if the path is `-`.
pub(super) async fn run(path: &Path, as_json: bool, context: &Context) -> Result<Exit, CtlError> {
    // Before anything is copied: most of what can be wrong is wrong with the path.
    let mut target = Target::open(path)?;
    let goes_to_stdout = target.is_stdout();
    // An unfinished file is to be removed; otherwise a signal does what it always does, also while a pipe is full.
    let signals = (!goes_to_stdout).then(|| Signals::new([SIGINT, SIGTERM, SIGHUP]));
    let signals = signals.transpose().map_err(CtlError::Signals)?;
    let what = target.shown();
    let done = tokio::select! {
        received = receive(&mut target, context) => received?,
        () = signalled(signals) => return Err(CtlError::Interrupted { what }),
    };
    let (sha256, report) = (done.sha256, named(done.report, &target));
    target.finish(done.bytes)?;
    let text = if as_json {
        json::render(&Shown { report: &report, sha256: &sha256 })?
    } else {
        render(&report, &context.view)
    };
    if goes_to_stdout {
        note(text.trim_end());
    } else {
        output::print(&text)?;
    }
    Ok(Exit::good_if(report.good))
}

/// The report in JSON, with the digest of the copy.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    report: &'a MaintenanceReport,
    sha256: &'a str,
}

/// Names the file, which the daemon does not know.
fn named(mut report: MaintenanceReport, target: &Target) -> MaintenanceReport {
    for item in &mut report.items {
        item.name = target.shown();
    }
    report.file = (!target.is_stdout()).then(|| target.shown());
    report
}

async fn signalled(signals: Option<Signals>) {
    match signals {
        Some(mut signals) => drop(signals.next().await),
        None => std::future::pending().await,
    }
}

/// Writes every part, and compares the whole with what the daemon has sent.
async fn receive(target: &mut Target, context: &Context) -> Result<BackupDone, CtlError> {
    let (reply, mut parts) = context.backup().await?;
    let Reply::Backup(_) = reply else { return Err(CtlError::WrongReply { verb: "maintenance backup" }) };
    let mut display = Display::new(context.moving);
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    loop {
        match parts.next().await {
            Ok(Some(BackupEvent::Step(step))) => display.observe(&Progress::Step(step)),
            Ok(Some(BackupEvent::Part(part))) => {
                digest.update(&part);
                bytes += part.len() as u64;
                target.write(&part)?;
            }
            Ok(Some(BackupEvent::Done(done))) => {
                let sha256 = hexadecimal(&digest.finalize());
                if (bytes, &sha256) != (done.bytes, &done.sha256) {
                    return Err(CtlError::CopyDiffers { what: target.shown() });
                }
                return Ok(done);
            }
            Ok(None) => return Err(CtlError::LostTask(None)),
            // A fault means that the task has failed, not that the connection was lost.
            Err(error @ ClientError::Fault(_)) => return Err(error.into()),
            Err(source) => return Err(CtlError::LostTask(Some(source))),
        }
    }
}
