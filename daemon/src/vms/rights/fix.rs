//! Commands that fix the permissions: one shared group for VMS and the daemon, in a setgid directory.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cached_proto::text::one_line;

use super::{Accounts, Identity, Rights, STICKY};

/// The group that is created where the database has none that could be shared.
const NEW_GROUP: &str = "vms-data";

impl Rights {
    /// Returns the commands, for root to type, after which there are no findings any more. They may be
    /// repeated.
    pub fn commands(&self, me: &Identity, accounts: &Accounts) -> Vec<String> {
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
/// group. The latter is left out while a directory above it is closed, because its group cannot be read yet.
pub fn open_directories(
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
    let gid = std::fs::metadata(own).map_or(0, |found| found.gid());
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
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%,:".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", one_line(&text.replace('\'', r"'\''"))) }
}
