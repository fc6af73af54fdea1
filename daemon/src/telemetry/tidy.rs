//! Compresses rotated files and deletes old ones in the background, so that logging never waits for it.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use chrono::{Days, NaiveDate};

use super::note;
use super::pack::{self, Obstacle, Packed};
use super::rotate::{Form, Rotated};
use crate::describe::describe;
use crate::plain_file::open_directory;

/// The parameters of one tidying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) dir: PathBuf,
    pub(super) keep_days: u32,
    pub(super) today: NaiveDate,
}

/// A file or directory that could not be tidied this time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untidy {
    #[error("the log directory {} cannot be tidied; check its rights", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("{} cannot be deleted; check the rights of its directory, or delete it yourself", .0.display())]
    Delete(PathBuf, #[source] io::Error),
    #[error("{} cannot be compressed and stays as it is for now; check free space and rights", .0.display())]
    Pack(PathBuf, #[source] io::Error),
    #[error("{} and the same name with .gz hold different records, so both stay; move one of them away", .0.display())]
    Differs(PathBuf),
}

/// Compresses rotated files and deletes those past their retention, by the day in the name. Files with names
/// that this program does not give are left alone, and so are log files that are not regular files or belong to others.
pub(super) fn tidy(order: &Order, obstacle: Obstacle<'_>) -> Vec<Untidy> {
    let mut left = Vec::new();
    match tidy_all(order, obstacle, &mut left) {
        // Nothing was ever logged to this directory.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => left.push(Untidy::Directory(order.dir.clone(), error)),
        Ok(()) => {}
    }
    left
}

fn tidy_all(order: &Order, obstacle: Obstacle<'_>, left: &mut Vec<Untidy>) -> io::Result<()> {
    let dir = &order.dir;
    let directory = open_directory(dir)?;
    // Another process is tidying this directory; its unfinished file is not a leftover.
    if let Err(TryLockError::WouldBlock) = directory.try_lock() {
        return Ok(());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        // Only this program gives such names, so a symlink with one is in the way; deleting it does not
        // follow it.
        if !kind.is_dir() && pack::is_unfinished(&name) {
            delete(entry.path(), left);
        }
        // What belongs to another user was not written here.
        let is_file = kind.is_file() && entry.metadata().is_ok_and(|found| pack::is_own(&found));
        found.extend(Rotated::parse(&name).filter(|_| is_file));
    }
    found.sort_unstable_by_key(|(rotated, _)| *rotated);
    let oldest = order.today.checked_sub_days(Days::new(order.keep_days.into())).unwrap_or(NaiveDate::MIN);
    for (rotated, form) in found {
        let name = if form == Form::Plain { rotated.plain() } else { rotated.packed() };
        if rotated.day < oldest {
            delete(dir.join(name), left);
        } else if form == Form::Plain {
            left.extend(compress(dir, rotated, obstacle));
        }
    }
    Ok(())
}

fn compress(dir: &Path, rotated: Rotated, obstacle: Obstacle<'_>) -> Option<Untidy> {
    let path = || dir.join(rotated.plain());
    match pack::pack(dir, rotated, obstacle) {
        Ok(Packed::Done | Packed::InUse) => None,
        Ok(Packed::Differs) => Some(Untidy::Differs(path())),
        Err(error) => Some(Untidy::Pack(path(), error)),
    }
}

fn delete(path: PathBuf, left: &mut Vec<Untidy>) {
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => left.push(Untidy::Delete(path, error)),
        _ => {}
    }
}

/// Tidies on a thread of its own, which exists only while there is work.
#[derive(Debug, Default)]
pub(super) struct Tidier(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    working: bool,
    /// The latest order received meanwhile, which replaces the earlier ones.
    next: Option<Order>,
}

impl Tidier {
    /// Schedules the order and returns at once.
    pub(super) fn ask(&self, order: Order) {
        let mut state = self.0.lock();
        state.next = Some(order);
        if state.working {
            return;
        }
        let shared = Arc::clone(&self.0);
        match std::thread::Builder::new().name("cached-log".to_owned()).spawn(move || shared.work()) {
            Ok(_) => state.working = true,
            Err(error) => note(&format!("rotated log files are not compressed for now: {error}")),
        }
    }

    /// Waits until all scheduled orders are done.
    pub(super) fn wait(&self) {
        let state = self.0.lock();
        drop(self.0.idle.wait_while(state, |state| state.working).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(order) = self.next() {
            for left in tidy(&order, &|_| Ok(())) {
                note(&describe(&left));
            }
        }
    }

    fn next(&self) -> Option<Order> {
        let mut state = self.lock();
        let next = state.next.take();
        if next.is_none() {
            state.working = false;
            self.idle.notify_all();
        }
        next
    }
}
