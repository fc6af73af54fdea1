//! Reads the log back: past files in order, then every line as it is written.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::logs::LogLine;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;
use tokio::sync::broadcast;

use super::file::{LogFile, Position};
use super::line::{self, Head, head};
use super::rotated::{self, CURRENT, Rotated};

/// Most bytes of a line; a longer one was not written by this program and is returned in pieces.
const LONGEST: u64 = 64 * 1024;

/// A handle for reading the log of this process.
#[derive(Debug, Clone)]
pub struct Logs(pub(super) Arc<LogFile>);

/// Selects lines of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Only lines of this run.
    pub(crate) run: Option<i64>,
    /// Only lines from this instant on.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only this number of the newest existing lines.
    pub(crate) newest: Option<usize>,
}

/// The existing log and the lines to come.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What has been written before this reading began.
    pub(crate) past: Past,
    /// What is written from then on.
    pub(crate) live: Live,
}

/// The existing files and lines.
#[derive(Debug)]
pub(crate) struct Past {
    dir: PathBuf,
    files: Vec<Source>,
    wanted: Wanted,
    zone: Tz,
}

/// New lines as they are written.
#[derive(Debug)]
pub(crate) struct Live {
    lines: broadcast::Receiver<Arc<str>>,
    filter: Filter,
}

/// A part of the past log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A line.
    Line(LogLine),
    /// A file that cannot be read to its end, and why.
    Unreadable(String),
}

#[derive(Debug)]
enum Source {
    Rotated(Rotated),
    /// The current file and the number of its bytes to read.
    Current(File, u64),
}

impl Logs {
    /// Path of the current file, if there is one.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.0.with_position(|standing| standing.place.dir.map(|dir| dir.join(CURRENT))).flatten()
    }

    /// Opens the log; `None` if there is no log file. No line is missing between past and live, and none is
    /// in both.
    pub(crate) fn open(&self, wanted: Wanted) -> Option<io::Result<Reading>> {
        self.0.with_position(|standing| Reading::begin(standing, wanted))
    }
}

impl Reading {
    fn begin(standing: Position, wanted: Wanted) -> io::Result<Self> {
        let Position { place, live } = standing;
        let dir = place.dir.unwrap_or_default();
        let oldest = wanted.since.map(|since| {
            // A file is named after the day of its newest record, or of one that came a little later.
            let day = since.with_timezone(&place.zone).date_naive();
            day.checked_sub_days(Days::new(1)).unwrap_or(day)
        });
        let mut files: Vec<Source> = rotated(&dir, oldest)?.into_iter().map(Source::Rotated).collect();
        match rotated::open(&dir.join(CURRENT)) {
            Ok(file) => {
                let length = file.metadata()?.len();
                files.push(Source::Current(file, length));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let filter = Filter { wanted, zone: place.zone, passed: true };
        Ok(Self { past: Past { dir, files, wanted, zone: place.zone }, live: Live { lines: live, filter } })
    }
}

/// The rotated files from a day on, each once, whether plain or compressed or both.
fn rotated(dir: &Path, oldest: Option<NaiveDate>) -> io::Result<Vec<Rotated>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A symlink's target must not be shown.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let rotated = Rotated::parse(&entry.file_name()).map(|(rotated, _)| rotated);
        found.extend(rotated.filter(|rotated| is_file && oldest.is_none_or(|oldest| rotated.day >= oldest)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

impl Past {
    /// Passes every wanted piece to `take`, oldest first, until `gone` returns true. Blocks.
    pub(crate) fn read(self, gone: impl Fn() -> bool, mut take: impl FnMut(Piece)) {
        let Self { dir, files, wanted, zone } = self;
        let filter = || Filter { wanted, zone, passed: false };
        let Some(newest) = wanted.newest else {
            let mut filter = filter();
            for file in files {
                pieces(&dir, &file, &mut filter, &gone, &mut take);
            }
            return;
        };
        // Which lines are the newest is known once they are counted. They are read again then, since lines may be
        // many and long, and what is kept here would be multiplied by the number of clients. Counting starts at
        // the newest file, so that older ones need not be read.
        let (mut counted, mut oldest) = (0_usize, files.len());
        for (at, file) in files.iter().enumerate().rev() {
            if counted >= newest {
                break;
            }
            pieces(&dir, file, &mut filter(), &gone, &mut |_| counted += 1);
            oldest = at;
        }
        let mut surplus = counted.saturating_sub(newest);
        for file in files.iter().skip(oldest) {
            pieces(&dir, file, &mut filter(), &gone, &mut |piece| match surplus {
                0 => take(piece),
                _ => surplus -= 1,
            });
        }
    }
}

fn pieces(
    dir: &Path,
    file: &Source,
    filter: &mut Filter,
    gone: &impl Fn() -> bool,
    take: &mut impl FnMut(Piece),
) {
    let name = match &file {
        Source::Rotated(rotated) => rotated.plain(),
        Source::Current(..) => CURRENT.to_owned(),
    };
    for text in open(dir, file) {
        let read = text.and_then(|text| {
            lines(text, |line| {
                if let Some(line) = filter.sift(line) {
                    take(Piece::Line(line));
                }
                !gone()
            })
        });
        match read {
            // An old file may have been deleted meanwhile.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                take(Piece::Unreadable(one_line(&format!("{name}: {error}")).into_owned()));
            }
            _ => {}
        }
    }
}

/// Opens the contents of a file, oldest first. There are two if the name was used again after its file had
/// been compressed, as by two moves on the same day.
fn open<'f>(dir: &Path, file: &'f Source) -> Vec<io::Result<Box<dyn Read + 'f>>> {
    let rotated = match file {
        Source::Current(file, length) => {
            let mut file = file;
            let text = file.rewind().map(|()| -> Box<dyn Read + 'f> { Box::new(file.take(*length)) });
            return vec![text];
        }
        Source::Rotated(rotated) => rotated,
    };
    let packed = dir.join(rotated.packed());
    let unpacked =
        || rotated::open(&packed).map(|file| -> Box<dyn Read + 'f> { Box::new(MultiGzDecoder::new(file)) });
    // The plain form is deleted only once the other one exists, so opening them in this order finds one.
    let plain = dir.join(rotated.plain());
    match rotated::open(&plain) {
        Ok(text) => {
            // Identical forms are left by a compression that was interrupted before its last step.
            let older = match rotated::open(&plain).and_then(|plain| rotated::is_same(plain, &packed)) {
                Ok(true) => None,
                Ok(false) => Some(unpacked()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(Err(error)),
            };
            let text: Box<dyn Read + 'f> = Box::new(text);
            older.into_iter().chain([Ok(text)]).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![unpacked()],
        Err(error) => vec![Err(error)],
    }
}

fn lines(text: impl Read, mut take: impl FnMut(&str) -> bool) -> io::Result<()> {
    let mut text = BufReader::new(text);
    let (mut line, mut is_first) = (Vec::new(), true);
    loop {
        line.clear();
        if text.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = String::from_utf8_lossy(line);
        if is_first && !line::is_ours(&line) {
            // Otherwise any file with the name of a log would be shown to every user who may read the log.
            return Err(io::Error::other("it does not begin like a log of cached, and is not shown"));
        }
        is_first = false;
        if !take(&line) {
            return Ok(());
        }
    }
}

impl Live {
    /// The next wanted line; `None` when the log has ended, an error when this reader is too slow.
    pub(crate) async fn next(&mut self) -> Result<Option<LogLine>, FellBehind> {
        loop {
            match self.lines.recv().await {
                Ok(line) => {
                    if let Some(line) = self.filter.sift(&line) {
                        return Ok(Some(line));
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(None),
                Err(broadcast::error::RecvError::Lagged(_)) => return Err(FellBehind),
            }
        }
    }
}

/// A slow reader has missed lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lines were missed by a slow reader; follow the log again")]
pub(crate) struct FellBehind;

/// Filters lines.
#[derive(Debug)]
struct Filter {
    wanted: Wanted,
    zone: Tz,
    /// Whether the previous line passed: a line without a parsable head is treated like the one before it.
    passed: bool,
}

impl Filter {
    fn sift(&mut self, line: &str) -> Option<LogLine> {
        let head = head(line, self.zone);
        if let Some(Head { at, run }) = head {
            self.passed = self.wanted.since.is_none_or(|since| at >= since)
                && self.wanted.run.is_none_or(|wanted| run == Some(wanted));
        } else if self.wanted.run.is_none() && self.wanted.since.is_none() {
            self.passed = true;
        }
        self.passed.then(|| LogLine {
            at: head.map(|head| head.at.into()),
            run: head.and_then(|head| head.run),
            text: one_line(line).into_owned(),
        })
    }
}
