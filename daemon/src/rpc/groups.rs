//! Reads the local account files, as far as access rights depend on them.
//!
//! The files are read directly, because the C library's functions for this are not thread-safe.
//! Accounts known only to a directory service are recognised by the groups of their processes.

use crate::plain_file::read_system;

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) gid: u32,
    /// Names of the users who have it as a supplementary group.
    pub(super) members: Vec<String>,
}

/// Finds the group with that name or number.
pub(super) fn find(name: &str) -> Option<Group> {
    let found = read_system("/etc/group").ok().and_then(|text| in_groups(&text, name));
    found.or_else(|| name.parse().ok().map(|gid| Group { gid, members: Vec::new() }))
}

/// The name of an account.
pub(super) fn user_name(uid: u32) -> Option<String> {
    read_system("/etc/passwd").ok().and_then(|text| in_users(&text, uid))
}

fn in_groups(text: &str, name: &str) -> Option<Group> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let gid = fields.nth(1)?.parse().ok()?;
        let members = fields.next().unwrap_or_default();
        Some(Group { gid, members: members.split(',').map(|m| m.trim().to_owned()).collect() })
    })
}

fn in_users(text: &str, uid: u32) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let text = "root:x:0:\ncached-x:x:5:eve\ncached:x:990:ada,bob\nbroken\ncached:x:1:eve\n";
        let ours = Group { gid: 990, members: vec!["ada".to_owned(), "bob".to_owned()] };
        assert_eq!(in_groups(text, "cached"), Some(ours));
        assert_eq!(in_groups(text, "cache"), None);
        assert_eq!(in_groups(text, "broken"), None);
    }

    #[test]
    fn a_user_is_found_by_number() {
        let text = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(in_users(text, 1000), Some("ada".to_owned()));
        assert_eq!(in_users(text, 10), None);
    }
}
