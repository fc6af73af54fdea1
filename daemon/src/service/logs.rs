//! `logs`

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::verb::logs::{LogEvent, LogsReply, LogsRequest};
use tokio::sync::mpsc;
use tracing::info;

use super::fault::fault;
use super::{Caller, Service};
use crate::telemetry::{FellBehind, Live, Logs, Piece, Wanted};

/// Lines per event.
const BATCH: usize = 200;

/// Bytes of lines after which an event is sent although more lines would fit: lines may be long.
const BATCH_BYTES: usize = 256 * 1024;

/// Batches that are read ahead of the client.
const AHEAD: usize = 4;

/// Most lines that are sent for one request of the newest ones.
const MOST: usize = 100_000;

/// Log lines for one client: first the existing ones, then new ones.
#[derive(Debug)]
pub(crate) struct Tail {
    past: Option<mpsc::Receiver<LogEvent>>,
    /// `None` after the last line, or when the client does not follow the log.
    live: Option<Live>,
    ended: bool,
}

/// Returns which log file will be read, if there is one.
pub(crate) fn logs(service: &Service) -> Result<LogsReply, Fault> {
    let file = log(service)?.path().ok_or_else(no_file)?;
    let timezone = service.config.borrow().schedule.timezone;
    Ok(LogsReply { file: file.to_string_lossy().into_owned(), timezone: timezone.name().to_owned() })
}

/// Starts reading the log, and records the reader: after the read position, so that the record is not among the newest
/// lines that were requested.
pub(crate) fn tail(service: &Service, caller: &Caller, request: &LogsRequest) -> Result<Tail, Fault> {
    let wanted = Wanted {
        run: request.run,
        since: request.since_seconds.map(|seconds| service.ago(seconds)),
        newest: request.lines.map(|lines| usize::try_from(lines).unwrap_or(MOST).min(MOST)),
    };
    let reading = log(service)?.open(wanted).ok_or_else(no_file)?.map_err(|error| {
        let hint =
            "check that the user of the daemon may read log.dir; `journalctl -u cached` has the same records";
        fault(FaultCode::Unavailable, &format!("the log file cannot be read: {error}"), hint)
    })?;
    info!("The log is read by {caller}");
    let (sender, past) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        // A failed send means that the client has disconnected.
        let hand_over = |event| drop(sender.blocking_send(event));
        reading.past.read(
            || sender.is_closed(),
            |piece| match piece {
                Piece::Line(line) => {
                    bytes += line.text.len();
                    batch.push(line);
                    if batch.len() == BATCH || bytes >= BATCH_BYTES {
                        bytes = 0;
                        hand_over(LogEvent::Lines(std::mem::take(&mut batch)));
                    }
                }
                Piece::Unreadable(why) => {
                    if !batch.is_empty() {
                        hand_over(LogEvent::Lines(std::mem::take(&mut batch)));
                    }
                    hand_over(LogEvent::Unreadable(why));
                }
            },
        );
        if !batch.is_empty() {
            hand_over(LogEvent::Lines(batch));
        }
    });
    Ok(Tail { past: Some(past), live: request.follow.then_some(reading.live), ended: false })
}

impl Tail {
    /// The next event; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<LogEvent>, FellBehind> {
        if let Some(past) = &mut self.past {
            if let Some(event) = past.recv().await {
                return Ok(Some(event));
            }
            self.past = None;
            if self.live.is_some() {
                return Ok(Some(LogEvent::CaughtUp));
            }
        }
        if let Some(live) = &mut self.live {
            if let Some(line) = live.next().await? {
                return Ok(Some(LogEvent::Lines(vec![line])));
            }
            self.live = None;
        }
        let event = (!self.ended).then_some(LogEvent::End);
        self.ended = true;
        Ok(event)
    }
}

fn log(service: &Service) -> Result<&Logs, Fault> {
    service.logs.as_ref().ok_or_else(no_file)
}

fn no_file() -> Fault {
    fault(
        FaultCode::NotFound,
        "the daemon keeps no log file: log.dir is not set",
        "`journalctl -u cached` shows what it logs; for a file, set log.dir and `cachectl reload`",
    )
}
