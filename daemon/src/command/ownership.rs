//! Whose files they are: root may write everywhere, and what root creates the daemon's user cannot use.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cached_proto::text::one_line;

use crate::config::Config;
use crate::vms::rights::{Accounts, Identity};

/// The log file; a place that is there already decides before its directory.
const LOG: &str = "cache_manager.log";

/// A place of the daemon that belongs to another user than root, who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OthersPlace {
    path: PathBuf,
    /// The user's name.
    pub(super) user: String,
}

impl OthersPlace {
    /// The first of the state's and the log's place that belongs to another user; none unless we are root.
    pub(super) fn find(config: &Config) -> Option<Self> {
        if Identity::of_process().uid != 0 {
            return None;
        }
        let state = config.state.url.as_path();
        let log = config.log.dir.as_ref().map(|dir| dir.join(LOG));
        [Some(state), log.as_deref()].into_iter().flatten().find_map(|file| {
            let (path, found) = existing(file)?;
            let user = Accounts::local().user(found.uid());
            (found.uid() != 0).then(|| Self { path: path.to_owned(), user })
        })
    }

    /// Why `command` is refused, and what to type.
    pub(super) fn refusal(&self, command: &str) -> String {
        let (path, user) = (one_line(&self.path.display().to_string()).into_owned(), &self.user);
        format!(
            "{path} belongs to user {user}, and files that root creates beside it would keep that user's daemon from \
             starting; type `runuser -u {user} -- cached {command}`, or name another state and log with --state and \
             log.dir"
        )
    }
}

/// The file, or the directory that it would be made in. A directory that is not there yet will be our own.
fn existing(file: &Path) -> Option<(&Path, Metadata)> {
    let of = |path: &'_ Path| std::fs::metadata(path).ok();
    of(file).map(|found| (file, found)).or_else(|| {
        let directory = file.parent()?;
        Some((directory, of(directory)?))
    })
}
