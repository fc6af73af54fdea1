//! Finds the other processes that have a file open.
//!
//! `/proc` shows the open files of processes of the same user, and to root those of all processes. The list
//! of locks is readable by every user, and a process that is connected to a database with a write-ahead log
//! always holds a lock. With a rollback journal an idle process of another user holds none and is not seen;
//! that does no harm, because there the exclusive lock decides.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use cached_proto::text::one_line;

use super::file::{FileId, beside};
use crate::plain_file::read_system;

/// Maximum number of holders that are named; more would not change what to do.
const NAMED: usize = 5;

/// The kernel's list of all file locks on this machine.
const LOCKS: &str = "/proc/locks";

/// Describes the other processes that have the database open; `None` when there are none. Fails when the
/// locks cannot be listed: then a process of another user could be connected without being seen.
pub(crate) fn others(database: &Path) -> io::Result<Option<String>> {
    others_by(database, Path::new(LOCKS))
}

fn others_by(database: &Path, locks: &Path) -> io::Result<Option<String>> {
    let files: Vec<FileId> = ["", "-wal", "-shm", "-journal"]
        .iter()
        .filter_map(|side| FileId::at(&beside(database, side)).ok())
        .collect();
    let mut found: BTreeSet<u32> = processes().into_iter().filter(|pid| has_open(*pid, &files)).collect();
    let locks = read_system(locks)?;
    found.extend(locks.lines().filter_map(|line| lock(line, &files)));
    found.remove(&std::process::id());
    let named: Vec<String> = found.iter().take(NAMED).map(|pid| name(*pid)).collect();
    Ok(match found.len() {
        0 => None,
        several if several > NAMED => Some(format!("{} and {} more", named.join(", "), several - NAMED)),
        _ => Some(named.join(", ")),
    })
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn has_open(pid: u32, files: &[FileId]) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| FileId::at(&entry.path()).ok()).any(|file| files.contains(&file))
}

/// Returns the process that holds a lock on one of the files: `1: POSIX  ADVISORY  READ 1234 fd:01:5678 128
/// 128`.
fn lock(line: &str, files: &[FileId]) -> Option<u32> {
    // Processes that wait for a lock are listed below it, behind an arrow.
    let mut fields = line.split_whitespace().filter(|field| *field != "->").skip(4);
    let pid = fields.next()?.parse().ok()?;
    let mut place = fields.next()?.split(':');
    let mut number = || u32::from_str_radix(place.next()?, 16).ok();
    let device = (number()?, number()?);
    let inode: u64 = place.next()?.parse().ok()?;
    files.iter().any(|file| file.is(device, inode)).then_some(pid)
}

/// `process 1234 (gunicorn)`
fn name(pid: u32) -> String {
    match read_system(format!("/proc/{pid}/comm")) {
        Ok(command) => format!("process {pid} ({})", one_line(command.trim_end())),
        Err(_) => format!("process {pid}"),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes and damages its own files")]
mod tests {
    use rustix::fs::makedev;

    use super::*;

    #[test]
    fn a_lock_belongs_to_a_process_if_it_is_on_the_file() {
        let files = [FileId::new(makedev(0xfd, 1), 5678)];
        for (line, holder) in [
            ("1: POSIX  ADVISORY  READ 1234 fd:01:5678 128 128", Some(1234)),
            ("1: -> POSIX  ADVISORY  WRITE 77 fd:01:5678 0 EOF", Some(77)),
            ("2: FLOCK  ADVISORY  WRITE 99 fd:01:5679 0 EOF", None),
            ("2: POSIX  ADVISORY  WRITE 99 fe:01:5678 0 EOF", None),
            ("3: OFDLCK ADVISORY  READ -1 fd:01:5678 0 EOF", None),
            ("", None),
        ] {
            assert_eq!(lock(line, &files), holder, "{line}");
        }
    }

    #[test]
    fn our_own_process_is_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vms.db");
        let _open = fs::File::create(&path).unwrap();
        assert_eq!(others(&path).unwrap(), None);
    }

    #[test]
    fn without_the_list_of_locks_nothing_is_claimed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vms.db");
        fs::write(&path, "").unwrap();
        assert!(others_by(&path, &directory.path().join("locks")).is_err());
    }
}
