//! Names and groups of accounts, from the local files: commands for the operator contain names.

use crate::plain_file::read_system;

/// The accounts that permissions are judged with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads the accounts of this machine. Accounts that only a directory service knows stay numbers.
    pub fn local() -> Self {
        let read = |path| read_system(path).unwrap_or_default();
        Self::new(&read("/etc/passwd"), &read("/etc/group"))
    }

    /// Creates accounts from the contents of two such files.
    pub fn new(passwd: &str, group: &str) -> Self {
        Self { passwd: passwd.to_owned(), group: group.to_owned() }
    }

    /// The name of an account, or its number.
    pub fn user(&self, uid: u32) -> String {
        by_number(&self.passwd, uid).map_or_else(|| uid.to_string(), |mut fields| fields.remove(0).to_owned())
    }

    /// The name of a group, or its number.
    pub fn group(&self, gid: u32) -> String {
        by_number(&self.group, gid).map_or_else(|| gid.to_string(), |mut fields| fields.remove(0).to_owned())
    }

    /// Returns the group that files of an account get by default; `None` when the account is not known.
    pub fn primary(&self, uid: u32) -> Option<u32> {
        by_number(&self.passwd, uid)?.get(3)?.parse().ok()
    }

    /// Whether an account is in a group; `None` when the account is not known.
    pub fn is_member(&self, uid: u32, gid: u32) -> Option<bool> {
        let primary = self.primary(uid)?;
        let name = self.user(uid);
        let members =
            by_number(&self.group, gid).and_then(|fields| fields.get(3).copied()).unwrap_or_default();
        Some(primary == gid || members.split(',').any(|member| member.trim() == name))
    }
}

/// The fields of the line whose third field is this number.
fn by_number(file: &str, id: u32) -> Option<Vec<&str>> {
    let lines = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    lines.into_iter().find(|fields| fields.get(2).and_then(|field| field.parse().ok()) == Some(id))
}
