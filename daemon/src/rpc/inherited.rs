//! A control socket that the service manager made and passed: clients that connect while the daemon restarts wait
//! instead of being refused, and its rights are the service manager's affair.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// `FileDescriptorName=` of the control socket, by which it is found among several.
const NAME: &str = "control";

/// Why a passed socket is of no use.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// There are several, and none has its name.
    #[error(
        "the service manager passed {count} sockets and none is named {NAME}; add FileDescriptorName={NAME} to the \
         socket unit of the control socket"
    )]
    Unnamed {
        /// How many.
        count: usize,
    },
    /// It is not a Unix stream socket.
    #[error("what the service manager passed is of no use; the socket unit needs ListenStream= with a path")]
    WrongKind(#[source] io::Error),
    /// Nobody could connect to it.
    #[error(
        "the socket that the service manager passed does not listen; the socket unit needs ListenStream= and Accept=no"
    )]
    NotListening,
}

/// A listening socket that was passed. Dropping it closes it and leaves its file, which belongs to the service manager.
#[derive(Debug)]
pub struct Inherited {
    listener: UnixListener,
}

impl Inherited {
    /// Takes the socket that was passed to this very process; none when nothing was. To be called once, before there
    /// are threads: the variables that speak of it are removed, so that no child process believes them.
    pub fn take(env: &BTreeMap<String, String>) -> Result<Option<Self>, InheritError> {
        let ours = std::process::id().to_string();
        if env.get("LISTEN_PID") != Some(&ours) {
            return Ok(None);
        }
        let mut passed = ListenFd::from_env();
        if passed.len() == 0 {
            return Ok(None);
        }
        let names = env.get("LISTEN_FDNAMES").map(String::as_str).unwrap_or_default();
        let at = position(passed.len(), names).ok_or(InheritError::Unnamed { count: passed.len() })?;
        match passed.take_unix_listener(at).map_err(InheritError::WrongKind)? {
            Some(listener) => Self::of(listener).map(Some),
            None => Ok(None),
        }
    }

    /// A socket that is known to be a Unix stream socket.
    pub fn of(listener: UnixListener) -> Result<Self, InheritError> {
        match socket_acceptconn(&listener) {
            Ok(true) => Ok(Self { listener }),
            Ok(false) => Err(InheritError::NotListening),
            Err(error) => Err(InheritError::WrongKind(error.into())),
        }
    }

    /// Where clients find it, if it has a path.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.listener.local_addr().ok()?.as_pathname().map(Into::into)
    }

    pub(super) fn into_listener(self) -> UnixListener {
        self.listener
    }
}

/// Which of them it is: the one with its name, or the only one, whatever its name.
fn position(count: usize, names: &str) -> Option<usize> {
    let at = names.split(':').take(count).position(|name| name == NAME);
    at.or_else(|| (count == 1).then_some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_socket_is_found_by_its_name_and_an_only_one_needs_none() {
        let cases = [
            (1, "", Some(0)),
            (1, "cached.socket", Some(0)),
            (2, "status:control", Some(1)),
            (2, "control:status", Some(0)),
            (2, "a:b", None),
            (2, "a:b:control", None),
        ];
        for (count, names, expected) in cases {
            assert_eq!(position(count, names), expected, "{count} {names}");
        }
    }
}
