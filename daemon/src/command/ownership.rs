//! Ownership of the daemon's files: root may write everywhere, but the daemon's user cannot use what root
//! creates.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cached_proto::text::one_line;

use crate::config::Config;
use crate::vms::rights::{Accounts, Identity};

/// Name of the log file; if the file exists, it decides instead of its directory.
const LOG: &str = "cache_manager.log";

/// A path of the daemon that belongs to another user, while this process runs as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OthersPlace {
    path: PathBuf,
    /// The name of that user.
    pub(super) user: String,
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
            (uid != 0 && accounts.primary(uid).is_some())
                .then(|| Self { path: path.to_owned(), user: accounts.user(uid) })
        })
    }

    /// Explains why `command` is refused, and what to type instead.
    pub(super) fn refusal(&self, command: &str) -> String {
        let (path, user) = (one_line(&self.path.display().to_string()).into_owned(), &self.user);
        format!(
            "{path} belongs to user {user}, and files that root creates beside it would keep that user's daemon from \
             starting; type `runuser -u {user} -- cached {command}`, or name another state and log with --state and \
             log.dir"
        )
    }
}

/// Returns the file, or the directory in which it would be created. A directory that does not exist yet will
/// be owned by this process.
fn existing(file: &Path) -> Option<(&Path, Metadata)> {
    let of = |path: &'_ Path| std::fs::metadata(path).ok();
    of(file).map(|found| (file, found)).or_else(|| {
        let directory = file.parent()?;
        Some((directory, of(directory)?))
    })
}
