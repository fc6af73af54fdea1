//! Permissions on files: what `cached check` reports about those of VMS's database, and which user owns the daemon's
//! own files, since root may write everywhere, but the daemon's user cannot use files that root creates.

use std::fmt::Write as _;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cached_proto::text::one_line;

use crate::accounts::Accounts;
use crate::config::{Config, Instance};
use crate::vms::rights::{Finding, Identity, Rights, closed_directories, open_directories};

/// Whether VMS and the daemon can share the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Nothing is wrong, or there is nothing to check.
    Good,
    /// VMS or the daemon cannot work.
    Wrong,
    /// VMS would be locked out if the daemon opened the database.
    LocksOut,
}

/// Describes the permissions of a database, for people.
pub(super) fn examine(database: &Path, instance: &Instance) -> (Sharing, String) {
    let (me, accounts) = (Identity::of_process(), Accounts::local());
    let closed = closed_directories(database);
    if let Some(first) = closed.first() {
        let path = one_line(&first.display().to_string()).into_owned();
        let mut text = format!("Wrong: {} cannot pass through {path}\nAs root:\n", accounts.user(me.uid));
        for command in open_directories(&closed, database, &me, &accounts) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {command}");
        }
        text.push_str("Then check again: the files in there could not be checked yet.\n");
        return (Sharing::Wrong, text);
    }
    // A missing database is reported by the code that opens it.
    let Ok(rights) = Rights::read(database) else { return (Sharing::Good, String::new()) };
    let found = rights.findings(&me, &accounts);
    let sharing = match &found[..] {
        [] => Sharing::Good,
        found if found.iter().any(|finding| finding.locks_out) => Sharing::LocksOut,
        _ => Sharing::Wrong,
    };
    (sharing, page(&rights, &found, &me, &accounts, instance))
}

fn page(
    rights: &Rights,
    found: &[Finding],
    me: &Identity,
    accounts: &Accounts,
    instance: &Instance,
) -> String {
    let groups: Vec<String> = me.groups.iter().map(|&gid| accounts.group(gid)).collect();
    let mut page = format!("File rights, as user {} in {}:\n", accounts.user(me.uid), groups.join(", "));
    for entry in [&rights.directory].into_iter().chain(&rights.files) {
        let owners = format!("{}:{}", accounts.user(entry.uid), accounts.group(entry.gid));
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "  {:04o} {owners:17} {}",
            entry.mode,
            one_line(&entry.path.display().to_string())
        );
    }
    for finding in found {
        let _ = writeln!(page, "Wrong: {}", one_line(&finding.problem));
    }
    if !found.is_empty() {
        page.push_str("As root:\n");
        for command in rights.commands(me, accounts) {
            let _ = writeln!(page, "  {command}");
        }
        let _ = writeln!(page, "  systemctl try-restart {}", instance.unit());
    }
    page.push('\n');
    page
}

/// Name of the log file; if the file exists, it decides instead of its directory.
const LOG: &str = "cache_manager.log";

/// A path of the daemon that belongs to another user, while this process runs as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OthersPlace {
    path: PathBuf,
    /// The name of that user.
    pub(super) user: String,
    /// Names the instance on a command line.
    pub(super) instance: String,
}

impl OthersPlace {
    /// Returns the first of the state's and the log's paths that belongs to the account of another user; `None`
    /// unless run as root.
    pub(super) fn find(config: &Config) -> Option<Self> {
        if Identity::of_process().uid != 0 {
            return None;
        }
        let state = config.state.url.as_path();
        let log = config.log.dir.as_ref().map(|dir| dir.join(LOG));
        let accounts = Accounts::local();
        [Some(state), log.as_deref()].into_iter().flatten().find_map(|file| {
            let (path, found) = existing(file)?;
            let uid = found.uid();
            // Without an account no daemon runs as that user, as with a directory mounted into a container.
            (uid != 0 && accounts.primary(uid).is_some()).then(|| Self {
                path: path.to_owned(),
                user: accounts.user(uid),
                instance: config.instance().argument(),
            })
        })
    }

    /// Explains why `command` is refused, and what to type instead.
    pub(super) fn refusal(&self, command: &str) -> String {
        let path = one_line(&self.path.display().to_string()).into_owned();
        let Self { user, instance, .. } = self;
        format!(
            "{path} belongs to user {user}, and files that root creates beside it would keep that user's daemon from \
             starting; type `runuser -u {user} -- cached {command}{instance}`, or name another state and log with --state and \
             log.dir"
        )
    }
}

/// Returns the file, or the nearest directory above it that exists: what is missing in between is created in that, by
/// this process.
fn existing(file: &Path) -> Option<(&Path, Metadata)> {
    file.ancestors().find_map(|path| Some((path, std::fs::metadata(path).ok()?)))
}
