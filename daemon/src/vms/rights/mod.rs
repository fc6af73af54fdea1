//! Checks whether VMS and the daemon can share VMS's database.
//!
//! SQLite keeps further files beside the database (`-wal`, `-shm`, `-journal`). The process that needs one
//! first creates it: with the mode of the database, but as its own user and in its own group, or in the
//! directory's group if the directory is setgid. A file that the daemon has created and VMS cannot open locks
//! VMS out of its own database, so this is checked before anything is opened.

#[cfg(test)]
mod tests;

use std::fs::metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cached_proto::text::one_line;
use rustix::fs::Access;

use super::file::Written;
use crate::accounts::{Accounts, GROUP, PASSWD};
use crate::sqlite::{SIDE_FILES, beside};

const GROUP_RW: u32 = 0o060;
const OTHERS_RW: u32 = 0o006;
const SETGID: u32 = 0o2000;
const STICKY: u32 = 0o1000;

/// The user and groups with which a process opens files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The user.
    pub(crate) uid: u32,
    /// The group of new files.
    pub(crate) gid: u32,
    /// All groups.
    pub(crate) groups: Vec<u32>,
}

impl Identity {
    /// Returns the identity of this process.
    pub(crate) fn of_process() -> Self {
        let gid = rustix::process::getegid().as_raw();
        let further = rustix::process::getgroups().unwrap_or_default();
        // Login programs list the primary group again among the others.
        let further = further.into_iter().map(rustix::process::Gid::as_raw).filter(|&other| other != gid);
        let groups = [gid].into_iter().chain(further).collect();
        Self { uid: rustix::process::geteuid().as_raw(), gid, groups }
    }
}

/// Owner, group and mode of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The path of the file or directory.
    pub(crate) path: PathBuf,
    /// Its owner.
    pub(crate) uid: u32,
    /// Its group.
    pub(crate) gid: u32,
    /// Its permission bits.
    pub(crate) mode: u32,
    /// Whether this process has the access that SQLite needs: read and write a file, create files in a
    /// directory.
    pub(crate) usable: bool,
}

/// The database, its side files, and the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    /// The directory.
    pub(crate) directory: Entry,
    /// The database first, then those of SQLite's further files that exist.
    pub(crate) files: Vec<Entry>,
    /// Whether access control lists apply, which the modes do not show.
    pub(crate) lists: bool,
}

/// A problem that prevents VMS or the daemon from working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Description of the problem.
    pub(crate) problem: String,
    /// Whether VMS would be locked out as soon as the daemon opened the database.
    pub(crate) locks_out: bool,
}

/// Returns the directories above the database that this process cannot enter, outermost first; the last one
/// may be the database's own. Directories below a closed one cannot be checked, so they count as closed,
/// too.
pub(crate) fn closed_directories(database: &Path) -> Vec<&Path> {
    let mut above: Vec<&Path> = database.ancestors().skip(1).filter(|path| path.is_absolute()).collect();
    above.reverse();
    above.into_iter().skip_while(|path| rustix::fs::access(*path, Access::EXEC_OK).is_ok()).collect()
}

impl Rights {
    /// Reads the permissions of a database that exists.
    pub(crate) fn read(database: &Path) -> io::Result<Self> {
        // SQLite creates files beside the file itself, not beside a link to it.
        let database = std::fs::canonicalize(database)?;
        let parent = database.parent().unwrap_or(Path::new("/"));
        let directory = Entry::read(parent, Access::WRITE_OK | Access::EXEC_OK)?;
        let file = |path: &Path| Entry::read(path, Access::READ_OK | Access::WRITE_OK);
        let mut files = vec![file(&database)?];
        for suffix in SIDE_FILES {
            match file(&beside(&database, suffix)) {
                Ok(entry) => files.push(entry),
                // Another process may be opening and closing the database right now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let lists =
            has_list(parent, c"system.posix_acl_default") || has_list(&database, c"system.posix_acl_access");
        Ok(Self { directory, files, lists })
    }

    /// Returns all problems for the process `me`.
    pub(crate) fn findings(&self, me: &Identity, accounts: &Accounts) -> Vec<Finding> {
        let Some(database) = self.files.first() else { return Vec::new() };
        if me.uid == 0 {
            // Root may do everything, and SQLite gives the files that root creates to the database's owner and group.
            return Vec::new();
        }
        let mut found = self.unusable(&accounts.user(me.uid));
        if me.uid == database.uid || self.lists {
            return found;
        }
        if self.directory.mode & STICKY != 0 && self.directory.uid != me.uid {
            found.push(Finding {
                problem: format!(
                    "{} is sticky: neither VMS nor the daemon can remove the other's files",
                    self.directory.path.display()
                ),
                locks_out: false,
            });
        }
        found.extend(self.locked_out(database, me, accounts));
        found.extend(self.locked_in(database, me, accounts));
        found
    }

    fn unusable(&self, me: &str) -> Vec<Finding> {
        let finding = |entry: &Entry, what: &str| Finding {
            problem: format!("{me} cannot {what} {}", entry.path.display()),
            locks_out: false,
        };
        let directory = (!self.directory.usable).then(|| finding(&self.directory, "create files in"));
        let files = self.files.iter().filter(|file| !file.usable).map(|file| finding(file, "read and write"));
        directory.into_iter().chain(files).collect()
    }

    /// Returns the group of a file that a process with this group creates beside the database.
    fn group_of_new(&self, gid: u32) -> u32 {
        if self.directory.mode & SETGID == 0 { gid } else { self.directory.gid }
    }

    /// Files that the daemon creates and VMS cannot open.
    fn locked_out(&self, database: &Entry, me: &Identity, accounts: &Accounts) -> Option<Finding> {
        if database.mode & OTHERS_RW == OTHERS_RW {
            return None;
        }
        let new = self.group_of_new(me.gid);
        let shared = database.mode & GROUP_RW == GROUP_RW;
        let owner_is_in =
            database.uid == 0 || accounts.is_member(database.uid, new).unwrap_or(new == database.gid);
        if shared && new == database.gid && owner_is_in {
            return None;
        }
        Some(Finding {
            problem: format!(
                "files that {} creates beside the database would belong to group {} with mode {:o}, and {} could not \
                 open its own database any more",
                accounts.user(me.uid),
                accounts.group(new),
                database.mode & 0o777,
                if owner_is_in {
                    format!("group {}", accounts.group(database.gid))
                } else {
                    accounts.user(database.uid)
                },
            ),
            locks_out: true,
        })
    }

    /// Files that VMS creates and the daemon cannot open.
    fn locked_in(&self, database: &Entry, me: &Identity, accounts: &Accounts) -> Option<Finding> {
        let new = self.group_of_new(accounts.primary(database.uid)?);
        let ours = database.mode & OTHERS_RW == OTHERS_RW
            || (database.mode & GROUP_RW == GROUP_RW && me.groups.contains(&new));
        (!ours).then(|| Finding {
            problem: format!(
                "files that {} creates beside the database would belong to group {}, and {} could not open them",
                accounts.user(database.uid),
                accounts.group(new),
                accounts.user(me.uid),
            ),
            locks_out: false,
        })
    }
}

/// Judges whether opening the database could lock VMS out of it, and caches a negative result, so that the
/// accounts are read again only after a change of them or of the permissions.
#[derive(Debug, Default)]
pub(super) struct Judge(Mutex<Option<(Rights, AccountFiles)>>);

/// The account files as they were when they were read.
type AccountFiles = [Option<Written>; 2];

impl Judge {
    /// Returns why opening the database could lock VMS out of it; `None` if it cannot.
    pub(super) fn lock_out(&self, database: &Path) -> Option<String> {
        // A process that may not read the permissions gets its error when it opens the database.
        let rights = Rights::read(database).ok()?;
        let files = [PASSWD, GROUP].map(|path| metadata(path).ok().as_ref().map(Written::of));
        self.judge(rights, files, Accounts::local, &Identity::of_process())
    }

    fn judge(
        &self,
        mut rights: Rights,
        files: AccountFiles,
        accounts: impl FnOnce() -> Accounts,
        me: &Identity,
    ) -> Option<String> {
        // The files beside the database come and go; their rights do not determine those of later ones.
        rights.files.truncate(1);
        let judged = (rights, files);
        let mut good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good.as_ref() == Some(&judged) {
            return None;
        }
        let found = judged.0.findings(me, &accounts());
        let reason = found.into_iter().find(|finding| finding.locks_out).map(|finding| finding.problem);
        *good = reason.is_none().then_some(judged);
        reason
    }
}

impl Entry {
    fn read(path: &Path, needed: Access) -> io::Result<Self> {
        let found = metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            uid: found.uid(),
            gid: found.gid(),
            mode: found.mode() & 0o7777,
            usable: rustix::fs::access(path, needed).is_ok(),
        })
    }
}

fn has_list(path: &Path, name: &std::ffi::CStr) -> bool {
    let mut nothing: [u8; 0] = [];
    rustix::fs::getxattr(path, name, &mut nothing).is_ok_and(|size| size > 0)
}

/// The group that is created if the database's group cannot be shared.
const NEW_GROUP: &str = "vms-data";

impl Rights {
    /// Returns the commands that root can run to resolve all findings. They may be
    /// repeated.
    pub(crate) fn commands(&self, me: &Identity, accounts: &Accounts) -> Vec<String> {
        let Some(database) = self.files.first() else { return Vec::new() };
        let (owner, daemon) = (accounts.user(database.uid), accounts.user(me.uid));
        let mut commands = Vec::new();
        // A member of root's group can write far more than this database.
        let group = if database.gid == 0 {
            commands.push(format!("groupadd --force {NEW_GROUP}"));
            NEW_GROUP.to_owned()
        } else {
            accounts.group(database.gid)
        };
        let directory = quoted(&self.directory.path);
        let files: Vec<String> = self.files.iter().map(|file| quoted(&file.path)).collect();
        let files = files.join(" ");
        commands.push(format!("chgrp {group} {directory} {files}"));
        commands.push(format!("chmod g+rw {files}"));
        commands.push(format!("chmod g+rwxs {directory}"));
        if self.directory.mode & STICKY != 0 {
            commands.push(format!("chmod -t {directory}"));
        }
        if database.uid != 0
            && (database.gid == 0 || accounts.is_member(database.uid, database.gid) == Some(false))
        {
            commands.push(format!("usermod -aG {group} {owner}   # then restart VMS"));
        }
        if database.gid == 0 || !me.groups.contains(&database.gid) {
            commands.push(format!("usermod -aG {group} {daemon}"));
        }
        commands
    }
}

/// Returns the commands that give the daemon's user, and no other user, access to directories that are closed
/// to it: to those above the database's own by an access control list, and to that one as a member of its
/// group. The latter is omitted while a directory above it is closed, because its group cannot be read yet.
pub(crate) fn open_directories(
    closed: &[&Path],
    database: &Path,
    me: &Identity,
    accounts: &Accounts,
) -> Vec<String> {
    let daemon = accounts.user(me.uid);
    let own = database.parent();
    let above: Vec<String> =
        closed.iter().filter(|path| Some(**path) != own).map(|path| quoted(path)).collect();
    if !above.is_empty() {
        return vec![format!("setfacl -m u:{daemon}:x {}   # of package acl", above.join(" "))];
    }
    let Some(own) = own else { return Vec::new() };
    let gid = metadata(own).map_or(0, |found| found.gid());
    let directory = quoted(own);
    let mut commands = Vec::new();
    let group = if gid == 0 {
        commands.push(format!("groupadd --force {NEW_GROUP}"));
        commands.push(format!("chgrp {NEW_GROUP} {directory}"));
        NEW_GROUP.to_owned()
    } else {
        accounts.group(gid)
    };
    commands.push(format!("chmod g+rwxs {directory}"));
    if gid == 0 || !me.groups.contains(&gid) {
        commands.push(format!("usermod -aG {group} {daemon}"));
    }
    commands
}

/// A path as one word of a shell command, on one line.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%,:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", one_line(&text.replace('\'', r"'\''"))) }
}
