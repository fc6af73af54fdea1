//! The process at the other end of a connection, and what it may request.
//!
//! The local account files are read directly, because the C library's functions for this are not thread-safe.
//! Accounts known only to a directory service are recognised by the groups of their processes.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as StdStream;

use cached_proto::fault::{Fault, FaultCode};
use cached_proto::message::Right;
use interprocess::local_socket::tokio::Stream;
use tokio::net::UnixStream;

use crate::accounts::{Accounts, Group};
use crate::plain_file::read_system;
use crate::service::Service;
use crate::service::fault::fault;

/// The process that connected, as the kernel recorded it at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// `None` for a process that is not visible here, such as one of another container.
    pid: Option<u32>,
    uid: u32,
    gid: u32,
}

impl Peer {
    pub(super) fn of(stream: &Stream) -> io::Result<Self> {
        // A second descriptor of the same connection, closed at once: `interprocess` has an own way to ask,
        // which fails for a process that is not visible here, whose id the kernel gives as 0.
        let Stream::UdSocket(stream) = stream;
        let stream = StdStream::from(stream.as_fd().try_clone_to_owned()?);
        let creds = UnixStream::from_std(stream)?.peer_cred()?;
        let pid = creds.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid != 0);
        Ok(Self { pid, uid: creds.uid(), gid: creds.gid() })
    }

    /// The effective user.
    pub(super) const fn uid(self) -> u32 {
        self.uid
    }

    /// Whether it is root or the daemon's own user, for which connections are reserved.
    pub(super) const fn is_privileged(self, own_uid: u32) -> bool {
        self.uid == 0 || self.uid == own_uid
    }

    /// Refuses what the peer may not do.
    pub(super) async fn require(self, service: &Service, right: Right) -> Result<(), Fault> {
        let socket = service.config.borrow().socket.clone();
        let (group, refused) = match right {
            Right::Read => return Ok(()),
            Right::Write => {
                (Some(socket.write_group), "has read-only access (no changes, no entry contents)")
            }
            Right::Backup => (
                socket.backup_group,
                "may not copy VMS's database, which holds personal data and credentials",
            ),
        };
        let own_uid = service.own_uid;
        // Reads the account files.
        let asked = tokio::task::spawn_blocking({
            let group = group.clone();
            move || self.has_right(own_uid, group.as_deref())
        });
        if asked.await.unwrap_or_default() {
            return Ok(());
        }
        let message = format!("user {} {refused}", self.uid);
        let hint = match group {
            Some(group) => format!("become a member of the group {group} and log in again, or use sudo"),
            None => "use sudo, or have a group named in socket.backup_group".to_owned(),
        };
        Err(fault(FaultCode::NotAllowed, &message, &hint))
    }

    /// Whether the peer has a right that root, the daemon's own user, and members of the group have.
    ///
    /// The kernel passes the user and one group. Supplementary groups are read from the process itself, if it
    /// still exists and runs as that user. Should its process id have been reused meanwhile, the new process
    /// belongs to the same user, who could have had it connect in the first place. If the process is gone or
    /// hidden from the daemon, the account database decides.
    fn has_right(self, own_uid: u32, group: Option<&str>) -> bool {
        if self.is_privileged(own_uid) {
            return true;
        }
        let accounts = Accounts::local();
        let Some(group) = group.and_then(|name| accounts.group_named(name)) else { return false };
        self.gid == group.gid || self.is_member(&accounts, &group)
    }

    fn is_member(self, accounts: &Accounts, group: &Group<'_>) -> bool {
        let status = self.pid.and_then(|pid| read_system(format!("/proc/{pid}/status")).ok());
        match status.and_then(|status| supplementary_groups(&status, self.uid)) {
            Some(gids) => gids.contains(&group.gid),
            None => accounts.has_group(self.uid, group),
        }
    }
}

/// The groups in `/proc/<pid>/status`, if the process runs as `uid`.
fn supplementary_groups(status: &str, uid: u32) -> Option<Vec<u32>> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().filter_map(|number| number.parse().ok()).collect::<Vec<u32>>())
    };
    // Real, effective, saved and file system user.
    let effective = field("Uid")?.into_iter().nth(1)?;
    (effective == uid).then(|| field("Groups")).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str =
        "Name:\tGroups:\nPid:\t7\nUid:\t1000\t1001\t1000\t1000\nGid:\t5\t5\t5\t5\nGroups:\t4 27 990 \n";

    #[test]
    fn groups_count_only_while_the_process_runs_as_the_user_that_connected() {
        assert_eq!(supplementary_groups(STATUS, 1001), Some(vec![4, 27, 990]));
        assert_eq!(supplementary_groups(STATUS, 1000), None);
        assert_eq!(supplementary_groups("", 0), None);
    }

    #[test]
    fn only_root_our_own_user_and_members_of_the_group_have_a_right() {
        let stranger = Peer { pid: None, uid: 54_321, gid: 54_321 };
        for group in [Some("54322"), Some("no such group"), None] {
            assert!(!stranger.has_right(990, group), "{group:?}");
            assert!(stranger.has_right(54_321, group) && Peer { uid: 0, ..stranger }.has_right(990, group));
        }
        assert!(stranger.has_right(990, Some("54321")));
    }
}
