//! Reading the log back: the files of the past in their order, then every line as it is written.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cached_proto::text::one_line;
use cached_proto::verb::logs::LogLine;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use flate2::read::MultiGzDecoder;
use tokio::sync::broadcast;

use super::file::{LogFile, Standing};
use super::line::{Head, head};
use super::pack;
use super::rotate::{CURRENT, Rotated};

/// Bytes of a line; what has more of them is no line of ours and comes in pieces.
const LONGEST: u64 = 64 * 1024;

/// The log of this process, for reading.
#[derive(Debug, Clone)]
pub struct Logs(pub(super) Arc<LogFile>);

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Only those of this run.
    pub(crate) run: Option<i64>,
    /// Only those from then on.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only the newest so many of those that are there already.
    pub(crate) newest: Option<usize>,
}

/// The log as it stands, and what comes.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What was written until now.
    pub(crate) past: Past,
    /// What is written from now on.
    pub(crate) live: Live,
}

/// The files with their lines until now.
#[derive(Debug)]
pub(crate) struct Past {
    dir: PathBuf,
    files: Vec<Source>,
    wanted: Wanted,
    zone: Tz,
}

/// Lines as they are written.
#[derive(Debug)]
pub(crate) struct Live {
    lines: broadcast::Receiver<Arc<str>>,
    sieve: Sieve,
}

/// A part of the past.
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
    /// The current file and how much of it is there.
    Current(File, u64),
}

impl Logs {
    /// The current file, if one is kept.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.0.standing(|standing| standing.place.dir.map(|dir| dir.join(CURRENT))).flatten()
    }

    /// Opens what there is; none where no file is kept. No line is left out between past and live, and none is in both.
    pub(crate) fn open(&self, wanted: Wanted) -> Option<io::Result<Reading>> {
        self.0.standing(|standing| Reading::begin(standing, wanted))
    }
}

impl Reading {
    fn begin(standing: Standing, wanted: Wanted) -> io::Result<Self> {
        let Standing { place, live } = standing;
        let dir = place.dir.unwrap_or_default();
        let oldest = wanted.since.map(|since| {
            // A file has the day of its newest record, and may have got that of one that came a little later.
            let day = since.with_timezone(&place.zone).date_naive();
            day.checked_sub_days(Days::new(1)).unwrap_or(day)
        });
        let mut files: Vec<Source> = rotated(&dir, oldest)?.into_iter().map(Source::Rotated).collect();
        match pack::open(&dir.join(CURRENT)) {
            Ok(file) => {
                let length = file.metadata()?.len();
                files.push(Source::Current(file, length));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let sieve = Sieve { wanted, zone: place.zone, passed: true };
        Ok(Self { past: Past { dir, files, wanted, zone: place.zone }, live: Live { lines: live, sieve } })
    }
}

/// The rotated files from a day on, each once, whatever its form.
fn rotated(dir: &Path, oldest: Option<NaiveDate>) -> io::Result<Vec<Rotated>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // What a link points to is not ours to show.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let rotated = Rotated::parse(&entry.file_name()).map(|(rotated, _)| rotated);
        found.extend(rotated.filter(|rotated| is_file && oldest.is_none_or(|oldest| rotated.day >= oldest)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

impl Past {
    /// Gives every wanted piece to `take`, oldest first, until somebody is `gone`. Blocks.
    pub(crate) fn read(self, gone: impl Fn() -> bool, mut take: impl FnMut(Piece)) {
        let Self { dir, files, wanted, zone } = self;
        let sieve = || Sieve { wanted, zone, passed: false };
        let Some(newest) = wanted.newest else {
            let mut sieve = sieve();
            for file in files {
                pieces(&dir, file, &mut sieve, &gone, &mut take);
            }
            return;
        };
        // From the newest file back, so that the others need not be read.
        let mut kept = VecDeque::new();
        for file in files.into_iter().rev() {
            let missing = newest - kept.len().min(newest);
            if missing == 0 {
                break;
            }
            let mut tail = VecDeque::new();
            pieces(&dir, file, &mut sieve(), &gone, &mut |piece| {
                if tail.len() == missing {
                    tail.pop_front();
                }
                tail.push_back(piece);
            });
            tail.append(&mut kept);
            kept = tail;
        }
        kept.into_iter().for_each(take);
    }
}

fn pieces(
    dir: &Path,
    file: Source,
    sieve: &mut Sieve,
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
                if let Some(line) = sieve.sift(line) {
                    take(Piece::Line(line));
                }
                !gone()
            })
        });
        match read {
            // A file that was old enough may have been deleted meanwhile.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                take(Piece::Unreadable(one_line(&format!("{name}: {error}")).into_owned()));
            }
            _ => {}
        }
    }
}

/// The texts of a file, oldest first. There are two where a name that was compressed already was given once more, as by
/// two moves on the same day.
fn open(dir: &Path, file: Source) -> Vec<io::Result<Box<dyn Read>>> {
    let rotated = match file {
        Source::Current(file, length) => return vec![Ok(Box::new(file.take(length)))],
        Source::Rotated(rotated) => rotated,
    };
    let packed = dir.join(rotated.packed());
    let unpacked =
        || pack::open(&packed).map(|file| -> Box<dyn Read> { Box::new(MultiGzDecoder::new(file)) });
    // The plain form goes only when the other one is there, so in this order one of them is found.
    let plain = dir.join(rotated.plain());
    match pack::open(&plain) {
        Ok(text) => {
            // The same records in both forms are those of a compression that was interrupted before its last step.
            let older = match pack::open(&plain).and_then(|plain| pack::is_same(plain, &packed)) {
                Ok(true) => None,
                Ok(false) => Some(unpacked()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(Err(error)),
            };
            let text: Box<dyn Read> = Box::new(text);
            older.into_iter().chain([Ok(text)]).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![unpacked()],
        Err(error) => vec![Err(error)],
    }
}

fn lines(text: impl Read, mut take: impl FnMut(&str) -> bool) -> io::Result<()> {
    let mut text = BufReader::new(text);
    let mut line = Vec::new();
    loop {
        line.clear();
        if text.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if !take(&String::from_utf8_lossy(line)) {
            return Ok(());
        }
    }
}

impl Live {
    /// The next wanted line; none when the log has ended, an error when this reader is too slow for it.
    pub(crate) async fn next(&mut self) -> Result<Option<LogLine>, FellBehind> {
        loop {
            match self.lines.recv().await {
                Ok(line) => {
                    if let Some(line) = self.sieve.sift(&line) {
                        return Ok(Some(line));
                    }
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(None),
                Err(broadcast::error::RecvError::Lagged(_)) => return Err(FellBehind),
            }
        }
    }
}

/// Lines were missed by a slow reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lines were missed by a slow reader; follow the log again")]
pub(crate) struct FellBehind;

/// Lets wanted lines pass.
#[derive(Debug)]
struct Sieve {
    wanted: Wanted,
    zone: Tz,
    /// The line before did: one that says nothing of itself goes with it.
    passed: bool,
}

impl Sieve {
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
