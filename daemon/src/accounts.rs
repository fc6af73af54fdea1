//! The accounts of this machine: names and groups of users, from the local files.
//!
//! The files are parsed directly: the C library's lookups query every source in `nsswitch.conf`, and may wait for a
//! directory service on the network. Accounts that only such a service knows are shown as numbers, and their groups are
//! taken from their processes.

use crate::plain_file::read_system;

/// The file of the users.
pub(crate) const PASSWD: &str = "/etc/passwd";
/// The file of the groups.
pub(crate) const GROUP: &str = "/etc/group";

/// The contents of both files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    passwd: String,
    group: String,
}

/// A group named in a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group<'a> {
    pub(crate) gid: u32,
    /// Names of the users who have it as a supplementary group, separated by commas.
    members: &'a str,
}

impl Accounts {
    /// Reads the accounts of this machine.
    pub(crate) fn local() -> Self {
        let read = |path| read_system(path).unwrap_or_default();
        Self { passwd: read(PASSWD), group: read(GROUP) }
    }

    /// Creates accounts from the contents of two such files.
    #[cfg(test)]
    pub(crate) fn new(passwd: &str, group: &str) -> Self {
        Self { passwd: passwd.to_owned(), group: group.to_owned() }
    }

    /// The name of an account, or its number.
    pub(crate) fn user(&self, uid: u32) -> String {
        self.name(uid).map_or_else(|| uid.to_string(), ToOwned::to_owned)
    }

    /// The name of a group, or its number.
    pub(crate) fn group(&self, gid: u32) -> String {
        let line = by_number(&self.group, gid);
        line.map_or_else(|| gid.to_string(), |mut fields| fields.remove(0).to_owned())
    }

    /// Returns the group that files of an account get by default; `None` when the account is not known.
    pub(crate) fn primary(&self, uid: u32) -> Option<u32> {
        by_number(&self.passwd, uid)?.get(3)?.parse().ok()
    }

    /// Whether an account is in a group; `None` when the account is not known.
    pub(crate) fn is_member(&self, uid: u32, gid: u32) -> Option<bool> {
        let primary = self.primary(uid)?;
        Some(
            primary == gid
                || by_number(&self.group, gid).is_some_and(|fields| self.is_among(members(&fields), uid)),
        )
    }

    /// Finds the group with that name or number.
    pub(crate) fn group_named<'a>(&'a self, name: &str) -> Option<Group<'a>> {
        let named = lines(&self.group).filter(|fields| fields.first() == Some(&name));
        let mut groups =
            named.filter_map(|fields| Some(Group { gid: number(&fields)?, members: members(&fields) }));
        groups.next().or_else(|| Some(Group { gid: name.parse().ok()?, members: "" }))
    }

    /// Whether an account has this group as a supplementary one.
    pub(crate) fn has_group(&self, uid: u32, group: &Group<'_>) -> bool {
        self.is_among(group.members, uid)
    }

    fn is_among(&self, members: &str, uid: u32) -> bool {
        self.name(uid).is_some_and(|name| members.split(',').any(|member| member.trim() == name))
    }

    fn name(&self, uid: u32) -> Option<&str> {
        by_number(&self.passwd, uid)?.first().copied()
    }
}

fn lines(file: &str) -> impl Iterator<Item = Vec<&str>> {
    file.lines().map(|line| line.split(':').collect())
}

/// The fields of the line with this number.
fn by_number(file: &str, id: u32) -> Option<Vec<&str>> {
    lines(file).find(|fields| number(fields) == Some(id))
}

/// The number of an account or group, in the third field of either file.
fn number(fields: &[&str]) -> Option<u32> {
    fields.get(2)?.parse().ok()
}

fn members<'a>(fields: &[&'a str]) -> &'a str {
    fields.get(3).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_by_its_whole_name_or_its_number() {
        let groups =
            "root:x:0:\ncached-x:x:5:eve\nbroken\nbroken:x:y:\ncached:x:990:ada, bob\ncached:x:1:eve\n";
        let accounts = Accounts::new("", groups);
        assert_eq!(accounts.group_named("cached"), Some(Group { gid: 990, members: "ada, bob" }));
        assert_eq!(accounts.group_named("5"), Some(Group { gid: 5, members: "" }));
        assert_eq!([accounts.group_named("cache"), accounts.group_named("broken")], [None, None]);
    }

    #[test]
    fn a_user_is_found_by_number_and_belongs_to_groups_that_list_its_name() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nada:x:1000:100::/home/ada:/bin/sh\nbob:x:1001:100::/:/bin/sh\n";
        let accounts = Accounts::new(users, "cached:x:990:eve,ada\n");
        assert_eq!([1000, 10].map(|uid| accounts.user(uid)), ["ada", "10"]);
        let cached = accounts.group_named("cached").unwrap();
        assert_eq!(
            [0, 1000, 1001, 10].map(|uid| accounts.has_group(uid, &cached)),
            [false, true, false, false]
        );
        assert_eq!(accounts.is_member(1000, 100), Some(true));
        assert_eq!(accounts.is_member(1000, 990), Some(true));
        assert_eq!(accounts.is_member(1001, 990), Some(false));
        assert_eq!(accounts.is_member(10, 990), None);
    }
}
