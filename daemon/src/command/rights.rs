//! The part of `cached check` that covers file permissions: the present state, what is wrong, and what to
//! type.

use std::fmt::Write as _;
use std::path::Path;

use cached_proto::text::one_line;

use crate::vms::rights::{Accounts, Finding, Identity, Rights, closed_directories, open_directories};

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
pub(super) fn examine(database: &Path) -> (Sharing, String) {
    let (me, accounts) = (Identity::of_process(), Accounts::local());
    let closed = closed_directories(database);
    if let Some(first) = closed.first() {
        let path = one_line(&first.display().to_string()).into_owned();
        let mut text = format!("Wrong: {} cannot pass through {path}\nAs root:\n", accounts.user(me.uid));
        for command in open_directories(&closed, database, &me, &accounts) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {command}");
        }
        text.push_str("Then look again: what is in there could not be judged yet.\n");
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
    (sharing, page(&rights, &found, &me, &accounts))
}

fn page(rights: &Rights, found: &[Finding], me: &Identity, accounts: &Accounts) -> String {
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
        page.push_str("  systemctl try-restart cached\n");
    }
    page.push('\n');
    page
}
