//! What notices need of this machine: its name, and the program that takes mail.

use std::path::{Path, PathBuf};

use super::send::NotifyError;
use crate::config::Instance;

/// Where every mail transport agent puts the program. Looking it up in `PATH` would find whatever an account has there.
const SENDMAIL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/lib/sendmail"];

/// The machine that notices come from.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Its name, and behind a slash that of the instance if it has one.
    pub(crate) host: String,
    /// Where the program that takes mail may be.
    pub(crate) sendmail: Vec<PathBuf>,
}

impl Machine {
    /// This machine, for the notices of one instance.
    pub(crate) fn of(instance: &Instance) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let host = instance.name().map_or_else(|| host.clone(), |name| format!("{host}/{name}"));
        Self { host, sendmail: SENDMAIL.iter().map(PathBuf::from).collect() }
    }

    /// The program that takes mail; the error says of each place why it is not there.
    pub(crate) fn sendmail(&self) -> Result<&Path, NotifyError> {
        let mut why = Vec::new();
        for path in &self.sendmail {
            match usable(path) {
                Ok(()) => return Ok(path),
                Err(reason) => why.push(format!("{} {reason}", path.display())),
            }
        }
        Err(NotifyError::NoSendmail { why: why.join(", ") })
    }
}

fn usable(path: &Path) -> Result<(), &'static str> {
    if !path.is_file() {
        return Err("is missing");
    }
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).map_err(|_| "may not be executed by this user")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes its own files")]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn mail_is_taken_by_the_first_place_with_a_program_and_the_error_says_what_each_lacks() {
        let dir = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
        let machine = Machine { host: String::new(), sendmail: vec![first.clone(), second.clone()] };
        std::fs::write(&second, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&second, Permissions::from_mode(0o644)).unwrap();
        let error = machine.sendmail().unwrap_err().to_string();
        let expected = format!(
            "no program takes mail: {} is missing, {} may not be executed by this user; install one, such as \
             msmtp-mta, or use notify.command",
            first.display(),
            second.display()
        );
        assert_eq!(error, expected);
        std::fs::set_permissions(&second, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(machine.sendmail().unwrap(), second);
        std::fs::copy(&second, &first).unwrap();
        assert_eq!(machine.sendmail().unwrap(), first);
    }
}
